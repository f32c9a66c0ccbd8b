package suggest

import (
	"slices"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"aws.S3.Bucket", "aws.VPC.VPC", "aws.Lambda.Alias", "aws.Lambda.Function", "Runtime", "Role", "Subnets"}
	for _, test := range []struct {
		word string
		want []string
	}{
		{"aws.S3.Bukket", []string{"aws.S3.Bucket"}},
		{"Bucket", []string{"aws.S3.Bucket"}},
		{"runtime", []string{"Runtime"}},
		{"Rutnime", []string{"Runtime"}},
		{"Rule", []string{"Role"}},
		{"subnet", []string{"Subnets"}},
		{"Environment", nil},
		{"", nil},
	} {
		if got := Nearest(test.word, names); !slices.Equal(got, test.want) {
			t.Errorf("Nearest(%q) = %q, want %q", test.word, got, test.want)
		}
	}
}
