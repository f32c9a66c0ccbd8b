package lambda

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func (c *cloud) layer(t *testing.T, name string, files ...file) string {
	t.Helper()
	out, err := c.client.PublishLayerVersion(t.Context(), &awslambda.PublishLayerVersionInput{LayerName: &name, Content: &types.LayerVersionContentInput{ZipFile: zipOf(files...)}})
	if err != nil {
		t.Fatal(err)
	}
	return *out.LayerVersionArn
}

func TestLayersLieOverEachOtherInTheirOrder(t *testing.T) {
	t.Parallel()
	c := start(t)
	low := c.layer(t, "low", file{"a", 0o644, "low"}, file{"b", 0o644, "low"})
	high := c.layer(t, "high", file{"b", 0o644, "high"})
	c.function(t, "raw", func(in *awslambda.CreateFunctionInput) { in.Layers = []string{low, high} })
	f := c.catalog.get("watch").latest()
	if len(f.Config.Layers) != 2 || f.Config.Layers[0].Arn != low || f.Config.Layers[1].Arn != high {
		t.Errorf("the function has the layers %v", f.Config.Layers)
	}
	dir, err := c.code.layers(t.Context(), f.Layers)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "low", "b": "high"} {
		if text, _ := os.ReadFile(filepath.Join(dir, name)); string(text) != want {
			t.Errorf("/opt/%s is %q, want that of the layer %s", name, text, want)
		}
	}
	// A version that is deleted stays with the functions that have it.
	if _, err := c.client.DeleteLayerVersion(t.Context(), &awslambda.DeleteLayerVersionInput{LayerName: aws.String("low"), VersionNumber: aws.Int64(1)}); err != nil {
		t.Fatal(err)
	}
	if got, failed := c.invoke(t, "watch", `"still here"`); failed || got != `"still here"` {
		t.Errorf("got %s", got)
	}
	if second := c.layer(t, "low", file{"a", 0o644, "second"}); second != "arn:aws:lambda:us-east-1:111122223333:layer:low:2" {
		t.Errorf("the number of a deleted version was used again: %s", second)
	}
}

func TestLayersAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	var six []string
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		six = append(six, c.layer(t, name, file{"x", 0o644, name}))
	}
	second := c.layer(t, "a", file{"x", 0o644, "again"})
	c.function(t, "raw")
	for _, test := range []struct {
		layers     []string
		code, text string
	}{
		{six, "InvalidParameterValueException", "Cannot reference more than 5 layers."},
		{[]string{six[0], second}, "InvalidParameterValueException", "Two different versions of the same layer"},
		{[]string{six[0][:len(six[0])-1] + "9"}, "InvalidParameterValueException", "does not exist"},
		{[]string{"arn:aws:lambda:eu-west-1:111122223333:layer:a:1"}, "InvalidParameterValueException", "region us-east-1"},
		{[]string{"arn:aws:lambda:us-east-1:444455556666:layer:a:1"}, "AccessDeniedException", "444455556666"},
		{[]string{"a:1"}, "ValidationException", "'layers'"},
	} {
		_, err := c.client.UpdateFunctionConfiguration(t.Context(), &awslambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("watch"), Layers: test.layers})
		wantError(t, err, test.code, test.text)
	}
	_, err := c.client.GetLayerVersion(t.Context(), &awslambda.GetLayerVersionInput{LayerName: aws.String("a"), VersionNumber: aws.Int64(7)})
	wantError(t, err, "ResourceNotFoundException", "The resource you requested does not exist.")
}

func TestLayersSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := startIn(t, dir)
	arn := c.layer(t, "low", file{"a", 0o644, "text"})
	c.function(t, "raw", func(in *awslambda.CreateFunctionInput) { in.Layers = []string{arn} })
	c.Close()
	c.State.Close()
	c = startIn(t, dir)
	view, err := c.client.GetLayerVersionByArn(t.Context(), &awslambda.GetLayerVersionByArnInput{Arn: &arn})
	if err != nil || view.Version != 1 {
		t.Fatalf("got %v, %v", view, err)
	}
	if got, failed := c.invoke(t, "watch", `"still here"`); failed || got != `"still here"` {
		t.Errorf("got %s", got)
	}
}

func TestUnzippedCodeAndLayersAreCountedTogether(t *testing.T) {
	t.Parallel()
	c := start(t)
	big, err := c.client.PublishLayerVersion(t.Context(), &awslambda.PublishLayerVersionInput{
		LayerName: aws.String("big"), Content: &types.LayerVersionContentInput{ZipFile: zipOf(file{"zeros", 0o644, strings.Repeat("\x00", maxUnzipped-1<<20)})},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.function(t, "library")
	_, err = c.client.UpdateFunctionConfiguration(t.Context(), &awslambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("watch"), Layers: []string{*big.LayerVersionArn}})
	wantError(t, err, "InvalidParameterValueException", "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes.")
}
