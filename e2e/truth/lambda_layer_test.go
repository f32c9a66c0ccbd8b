package truth

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// layerZip makes a zip of executable files.
func layerZip(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range sortedKeys(files) {
		h := &zip.FileHeader{Name: name}
		h.SetMode(0o755)
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(files[name]))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLambdaLayers(t *testing.T) {
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	publish := func(t *testing.T, name string, change m, files map[string]string) answer {
		p := m{"LayerName": name, "Content": m{"ZipFile": layerZip(t, files)}}
		for k, v := range change {
			p[k] = v
		}
		return py.call(t, "lambda", "PublishLayerVersion", p)
	}
	low := publish(t, unique("low"), nil, map[string]string{"shared/a": "low", "shared/b": "low"})
	high := publish(t, unique("high"), m{"Description": "over it", "CompatibleRuntimes": []any{"provided.al2023"}, "LicenseInfo": "MIT"}, map[string]string{"shared/b": "high"})
	withLayers := func(arns ...string) functionOption {
		return func(in *lambda.CreateFunctionInput, p *string) {
			in.Layers = arns
			*p = strings.Replace(usual, `"logs:*"`, `"logs:*","lambda:*"`, 1)
		}
	}
	f := c.function(t, "layered", withLayers(low.str("LayerVersionArn"), high.str("LayerVersionArn")))

	rule(t, "PublishLayerVersion numbers versions from 1 and gives both ARNs", "Lambda layers", boto3, func(t *testing.T) {
		name := unique("counted")
		first, second := publish(t, name, nil, map[string]string{"a": "1"}), publish(t, name, nil, map[string]string{"a": "2"})
		want(t, first, "Version", "1")
		want(t, second, "Version", "2")
		want(t, second, "LayerArn", "arn:aws:lambda:us-east-1:111122223333:layer:"+name)
		want(t, second, "LayerVersionArn", "arn:aws:lambda:us-east-1:111122223333:layer:"+name+":2")
		py.call(t, "lambda", "DeleteLayerVersion", m{"LayerName": name, "VersionNumber": 2})
		want(t, publish(t, name, nil, map[string]string{"a": "3"}), "Version", "3")
	})
	rule(t, "GetLayerVersion and GetLayerVersionByArn give what was published", "Lambda layers", jsSDK, func(t *testing.T) {
		a := js.call(t, "lambda", "GetLayerVersionByArn", m{"Arn": high.str("LayerVersionArn")})
		want(t, a, "Description", "over it")
		want(t, a, "LicenseInfo", "MIT")
		want(t, a, "CompatibleRuntimes.0", "provided.al2023")
		want(t, a, "Content.CodeSha256", high.str("Content.CodeSha256"))
		refused(t, js.fail(t, "lambda", "GetLayerVersion", m{"LayerName": "nothing", "VersionNumber": 1}), 404, "ResourceNotFoundException", "The resource you requested does not exist.")
	})
	rule(t, "a function sees its layers below /opt, the later over the earlier", "Lambda layers", boto3, func(t *testing.T) {
		if got := f.probe(t, `{"do":"read","path":"/opt/shared/a"}`) + " " + f.probe(t, `{"do":"read","path":"/opt/shared/b"}`); got != "low high" {
			t.Errorf("a and b are %s", got)
		}
		a := py.call(t, "lambda", "GetFunctionConfiguration", m{"FunctionName": f.Name})
		want(t, a, "Layers.1.Arn", high.str("LayerVersionArn"))
	})
	rule(t, "a function whose code has no bootstrap gets that of a layer", "Lambda §7", boto3, func(t *testing.T) {
		layer := publish(t, unique("runtime"), nil, map[string]string{"bootstrap": shellBootstrap})
		g := c.function(t, "borrowed", withLayers(layer.str("LayerVersionArn")), func(in *lambda.CreateFunctionInput, _ *string) {
			in.Code.S3Bucket, in.Code.S3Key = nil, nil
			in.Code.ZipFile = layerZip(t, map[string]string{"handler.sh": "exit 0"})
		})
		answers(t, py.call(t, "lambda", "Invoke", m{"FunctionName": g.Name, "Payload": []byte(`{"a":1}`)}), "", `^Echoing request: '{"a":1}'`)
	})
	rule(t, "a layer version that is deleted stays with the functions that have it", "Lambda layers", boto3, func(t *testing.T) {
		layer := publish(t, unique("gone"), nil, map[string]string{"kept": "still here"})
		g := c.function(t, "keeper", withLayers(layer.str("LayerVersionArn")))
		name := strings.Split(layer.str("LayerVersionArn"), ":")[6]
		py.call(t, "lambda", "DeleteLayerVersion", m{"LayerName": name, "VersionNumber": 1})
		if got := g.probe(t, `{"do":"read","path":"/opt/kept"}`); got != "still here" {
			t.Errorf("/opt/kept is %s", got)
		}
		refused(t, py.fail(t, "lambda", "UpdateFunctionConfiguration", m{"FunctionName": f.Name, "Layers": []any{layer.str("LayerVersionArn")}}), 400,
			"InvalidParameterValueException", "does not exist")
	})
	rule(t, "a function has five layers at most, and one version of each", "Lambda quotas", boto3, func(t *testing.T) {
		name := unique("many")
		var arns []any
		for _, v := range []string{"1", "2", "3", "4", "5", "6"} {
			arns = append(arns, publish(t, name+"-"+v, nil, map[string]string{"a": v}).str("LayerVersionArn"))
		}
		refused(t, py.fail(t, "lambda", "UpdateFunctionConfiguration", m{"FunctionName": f.Name, "Layers": arns}), 400, "InvalidParameterValueException", "Cannot reference more than 5 layers.")
		again := publish(t, name+"-1", nil, map[string]string{"a": "again"}).str("LayerVersionArn")
		refused(t, py.fail(t, "lambda", "UpdateFunctionConfiguration", m{"FunctionName": f.Name, "Layers": []any{arns[0], again}}), 400,
			"InvalidParameterValueException", "Two different versions of the same layer are not allowed to be referenced in the same function.")
	})
	rule(t, "ListLayers shows the newest version that fits, and ListLayerVersions the newest first", "Lambda layers", awsCLI, func(t *testing.T) {
		name := unique("listed")
		publish(t, name, m{"CompatibleRuntimes": []any{"provided.al2"}}, map[string]string{"a": "1"})
		publish(t, name, nil, map[string]string{"a": "2"})
		out, stderr, _ := c.aws(t, "lambda", "list-layers", "--compatible-runtime", "provided.al2", "--query", "Layers[?LayerName=='"+name+"'].LatestMatchingVersion.Version", "--output", "text")
		if strings.TrimSpace(out) != "1" {
			t.Errorf("got %q %s", out, stderr)
		}
		out, _, _ = c.aws(t, "lambda", "list-layer-versions", "--layer-name", name, "--query", "LayerVersions[].Version", "--output", "text")
		if strings.Join(strings.Fields(out), " ") != "2 1" {
			t.Errorf("got %q", out)
		}
	})
	rule(t, "a layer version has a policy of its own", "API Reference: AddLayerVersionPermission", boto3, func(t *testing.T) {
		name := strings.Split(low.str("LayerVersionArn"), ":")[6]
		p := m{"LayerName": name, "VersionNumber": 1}
		refused(t, py.fail(t, "lambda", "GetLayerVersionPolicy", p), 404, "ResourceNotFoundException", "No policy is associated with the given resource.")
		made := py.call(t, "lambda", "AddLayerVersionPermission", m{"LayerName": name, "VersionNumber": 1, "StatementId": "all", "Action": "lambda:GetLayerVersion", "Principal": "*"})
		if !strings.Contains(made.str("Statement"), `"Principal":"*","Action":"lambda:GetLayerVersion"`) || made.str("RevisionId") == "" {
			t.Errorf("got %v", made.Answer)
		}
		want(t, py.call(t, "lambda", "GetLayerVersionPolicy", p), "RevisionId", made.str("RevisionId"))
		py.call(t, "lambda", "RemoveLayerVersionPermission", m{"LayerName": name, "VersionNumber": 1, "StatementId": "all"})
		refused(t, py.fail(t, "lambda", "GetLayerVersionPolicy", p), 404, "ResourceNotFoundException", "No policy")
	})
}
