package lambda

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// send sends a signed request as it stands.
func send(t *testing.T, key aws.Credentials, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(r.Context(), key, r, hex.EncodeToString(sum[:]), "lambda", region, time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestUnzipKeepsModesAndLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := zipOf(
		file{"bootstrap", 0o755, "b"}, file{"deep/er/data", 0o444, "d"}, file{"empty/", os.ModeDir | 0o700, ""},
		file{"link", os.ModeSymlink | 0o777, "deep/er/data"}, file{"deep/up", os.ModeSymlink | 0o777, "../bootstrap"},
	)
	if err := unzip(data, dir, 100); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"bootstrap": 0o755, "deep/er/data": 0o644, "empty": os.ModeDir | 0o755, "deep": os.ModeDir | 0o755, "link": 0o644, "deep/up": 0o755} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", name, info, err, want)
		}
	}
}

func TestUnzipDoesNotLeaveItsFolder(t *testing.T) {
	t.Parallel()
	link := os.ModeSymlink | 0o777
	for name, files := range map[string][]file{
		"climbing":         {{"../out", 0o644, "x"}},
		"climbing inside":  {{"a/../../out", 0o644, "x"}},
		"dots that stay":   {{"a/../b", 0o644, "x"}},
		"absolute":         {{"/out", 0o644, "x"}},
		"backslash":        {{`..\out`, 0o644, "x"}},
		"absolute link":    {{"l", link, "/etc/passwd"}},
		"climbing link":    {{"a/l", link, "../../out"}},
		"through a link":   {{"l", link, ".."}, {"l/out", 0o644, "x"}},
		"link over link":   {{"a/b/l", link, "../.."}, {"m", link, "a/b/l/.."}},
		"file over folder": {{"a/b", 0o644, "x"}, {"a", 0o644, "x"}},
		"device":           {{"d", os.ModeDevice | 0o644, ""}},
		"pipe":             {{"p", os.ModeNamedPipe | 0o644, ""}},
		"link to nothing":  {{"l", link, ""}},
		"twice":            {{"a", 0o644, "x"}, {"a", 0o644, "y"}},
		"link, then file":  {{"a", link, "b"}, {"a", 0o644, "y"}},
		"below a file":     {{"a", 0o644, "x"}, {"a/b", 0o644, "y"}},
		"below a link":     {{"in/", os.ModeDir | 0o755, ""}, {"a", link, "in"}, {"a/b", 0o644, "y"}},
		"long name":        {{strings.Repeat("n", 256), 0o644, "x"}},
		"long path":        {{strings.Repeat("n/", 2000) + "n", 0o644, "x"}},
	} {
		parent := t.TempDir()
		dir := filepath.Join(parent, "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unzip(zipOf(files...), dir, 100); err == nil {
			t.Errorf("%s: unpacked without an error", name)
		}
		if entries, _ := os.ReadDir(parent); len(entries) != 1 {
			t.Errorf("%s: wrote outside of its folder: %v", name, entries)
		}
	}
}

// claiming is a zip whose directory says of its last entry how large it is unpacked.
func claiming(data []byte, size uint32) []byte {
	directory := bytes.LastIndex(data, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(data[directory+24:], size)
	return data
}

func TestUnzipStopsAtTheLimitWhateverTheDirectorySays(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"honest":         zipOf(file{"bootstrap", 0o755, strings.Repeat("x", 1001)}),
		"in two entries": zipOf(file{"a", 0o644, strings.Repeat("x", 600)}, file{"b", 0o644, strings.Repeat("x", 600)}),
		"lying":          claiming(zipOf(file{"bootstrap", 0o755, strings.Repeat("x", 100000)}), 10),
	} {
		dir := t.TempDir()
		if err := unzip(data, dir, 1000); err == nil {
			t.Errorf("%s: unpacked without an error", name)
		}
		if info, err := os.Stat(filepath.Join(dir, "bootstrap")); err == nil && info.Size() > 1001 {
			t.Errorf("%s: wrote %d bytes", name, info.Size())
		}
	}
	if err := unzip(zipOf(file{"bootstrap", 0o755, strings.Repeat("x", 1000)}), t.TempDir(), 1000); err != nil {
		t.Errorf("an archive of exactly the limit: %v", err)
	}
}

func TestBadZipsAreRefusedAndLeaveNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.role(t, "watch-role", mayLog)
	corrupt := zipOf(file{"bootstrap", 0o755, strings.Repeat("text ", 1000)})
	corrupt[45] ^= 0xff
	many := make([]file, maxEntries+1)
	for i := range many {
		many[i] = file{fmt.Sprint(i), 0o644, ""}
	}
	const bad = "Could not unzip uploaded file. Please check your file, then try to upload again."
	for name, test := range map[string]struct {
		zip  []byte
		want string
	}{
		"climbing": {zipOf(file{"../bootstrap", 0o755, "x"}), bad},
		"link":     {zipOf(file{"etc", os.ModeSymlink | 0o777, "/etc"}), bad},
		"twice":    {zipOf(file{"a", 0o644, "x"}, file{"a", 0o644, "y"}), bad},
		"corrupt":  {corrupt, bad},
		"too-many": {zipOf(many...), bad},
		"lying":    {claiming(zipOf(file{"bootstrap", 0o755, strings.Repeat("x", 100000)}), 10), bad},
		// The directory of an honest zip says enough: nobody has to make and compress so many bytes.
		"too-large": {claiming(zipOf(file{"bootstrap", 0o755, "x"}), maxUnzipped+1), "Unzipped size must be smaller than 262144000 bytes"},
	} {
		_, err := c.client.CreateFunction(t.Context(), &awslambda.CreateFunctionInput{
			FunctionName: &name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Role: aws.String(roleARN),
			Code: &types.FunctionCode{ZipFile: test.zip},
		})
		wantError(t, err, "InvalidParameterValueException", test.want)
	}
	if left, _ := os.ReadDir(filepath.Join(c.Dir, "code")); len(left) != 0 {
		t.Errorf("refused zips have left %v", left)
	}
}

// FuzzUnzip looks for archives that get out of their folder.
func FuzzUnzip(f *testing.F) {
	f.Add(zipOf(file{"bootstrap", 0o755, "text"}, file{"a/b", 0o644, "x"}, file{"l", os.ModeSymlink | 0o777, "a/b"}))
	f.Add(zipOf(file{"../out", 0o644, "x"}))
	f.Add(zipOf(file{"a/b/l", os.ModeSymlink | 0o777, "../.."}, file{"m", os.ModeSymlink | 0o777, "a/b/l/.."}))
	f.Add(claiming(zipOf(file{"bootstrap", 0o755, strings.Repeat("x", 1000)}), 10))
	f.Fuzz(func(t *testing.T, data []byte) {
		parent := t.TempDir()
		dir := filepath.Join(parent, "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		err := unzip(data, dir, 10000)
		if entries, _ := os.ReadDir(parent); len(entries) != 1 {
			t.Fatalf("wrote outside of its folder: %v", entries)
		}
		if err != nil {
			return
		}
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type() == fs.ModeSymlink {
				if to, err := filepath.EvalSymlinks(path); err == nil && to != dir && !strings.HasPrefix(to, dir+"/") {
					t.Errorf("the link %s leads to %s", path, to)
				}
			}
			return nil
		})
	})
}

func TestUnpackedCodeIsMadeAgainWhenItIsMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := startIn(t, dir)
	c.function(t, "raw")
	c.Close()
	c.State.Close()
	if err := os.RemoveAll(filepath.Join(dir, "lambda")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "lambda", "code", partial+"1"), 0o755); err != nil {
		t.Fatal(err)
	}
	again := startIn(t, dir)
	if got, failed := again.invoke(t, "watch", `"here"`); failed || got != `"here"` {
		t.Errorf("answer %s", got)
	}
	entries, _ := os.ReadDir(filepath.Join(dir, "lambda", "code"))
	if len(entries) != 1 || entries[0].Name() != again.catalog.get("watch").latest().Code {
		t.Errorf("the code folder holds %v", entries)
	}
}
