package protocol

import (
	"strings"
	"testing"
)

func TestAbsentOperationIsRefusedByName(t *testing.T) {
	absent := Absent{"GET /v2/vpclinks/*": "GetVpcLink", "GET /v2/vpclinks": "GetVpcLinks"}
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/v2/vpclinks/abc", "GetVpcLink"},
		{"GET", "/v2/vpclinks", "GetVpcLinks"},
		{"GET", "/v2/vpclinks/", "GetVpcLinks"},
		{"PUT", "/v2/vpclinks", "PUT /v2/vpclinks"},
		{"GET", "/v2/vpclinks/a/b", "GET /v2/vpclinks/a/b"},
	} {
		got := absent.Unknown(RESTJSON, "apigatewayv2", c.method, c.path)
		if got.Code != "UnknownOperationException" || !strings.HasSuffix(got.Message, "does not have the operation "+c.want) {
			t.Errorf("%s %s: %v, want the operation %s", c.method, c.path, got, c.want)
		}
	}
}
