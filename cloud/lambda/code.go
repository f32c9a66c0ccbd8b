package lambda

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// codeSource says where the zip of a function comes from.
type codeSource struct {
	ZipFile                                               []byte
	S3Bucket, S3Key, S3ObjectVersion, S3ObjectStorageMode string
	ImageUri                                              string
}

// storedCode is a zip that the code store holds.
type storedCode struct {
	Hash     string // SHA-256 in hex
	Size     int64
	Unzipped int64
}

func (s storedCode) base64() string {
	sum, _ := hex.DecodeString(s.Hash)
	return base64.StdEncoding.EncodeToString(sum)
}

// fetch reads and checks the zip of a request and stores it.
func (c *call) fetch(from codeSource) (storedCode, error) {
	zip := from.ZipFile
	switch {
	case len(zip) > 0 && from.S3Bucket+from.S3Key != "":
		return storedCode{}, errInvalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case len(zip) > maxZip:
		return storedCode{}, protocol.Errorf(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Zipped size must be smaller than %d bytes", maxZip)
	case len(zip) > 0:
	case from.S3Bucket == "" || from.S3Key == "":
		return storedCode{}, errInvalid("Please provide a source for function code.")
	default:
		var err error
		if zip, err = c.fetchObject(from); err != nil {
			return storedCode{}, err
		}
	}
	stored, err := c.Service.code.put(c.ctx, zip)
	var bad *zipFault
	if errors.As(err, &bad) {
		c.Log.Info("lambda: a zip cannot be unpacked: "+bad.text, "operation", c.operation)
		err = errZip()
	}
	return stored, err
}

// fetchObject reads a zip from a bucket, which the caller must be allowed to do.
func (c *call) fetchObject(from codeSource) ([]byte, error) {
	resource := "arn:aws:s3:::" + from.S3Bucket + "/" + from.S3Key
	if c.IAM.Authorize(c.ctx, protocol.RESTJSON, "s3:GetObject", resource, nil) != nil {
		return nil, failure(http.StatusForbidden, "AccessDeniedException",
			"Your access has been denied by S3, please make sure your request credentials have permission to GetObject for %s/%s. "+
				"S3 Error Code: AccessDenied. S3 Error Message: Access Denied", from.S3Bucket, from.S3Key)
	}
	body, size, err := c.Code.Object(c.ctx, from.S3Bucket, from.S3Key, from.S3ObjectVersion)
	var e *protocol.Error
	if errors.As(err, &e) {
		return nil, errInvalid("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", e.Code, e.Message)
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if size > maxUnzipped {
		return nil, errInvalid("Unzipped size must be smaller than %d bytes", maxUnzipped)
	}
	return io.ReadAll(body)
}

// codeStore keeps the zips of functions in package state, under their hashes, and unpacks each once into a folder.
type codeStore struct {
	objects *state.Objects
	dir     string

	mu       sync.Mutex // protects following
	unpacked map[string]*unpacking
}

// unpacking is a folder that is there once done is closed.
type unpacking struct {
	done chan struct{}
	err  error
}

// openCodeStore opens the store and removes the folders of code that nothing uses anymore, and half-unpacked ones.
func openCodeStore(ctx context.Context, store *state.Store, dir string, used map[string]bool) (*codeStore, error) {
	objects, err := store.Objects(ctx, "lambda_code")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if used[e.Name()] {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
		if !strings.HasPrefix(e.Name(), partial) {
			if err := objects.Delete(ctx, e.Name()); err != nil {
				return nil, err
			}
		}
	}
	return &codeStore{objects: objects, dir: dir, unpacked: map[string]*unpacking{}}, nil
}

// partial begins the name of a folder that is still being filled.
const partial = ".partial-"

// put unpacks a zip and stores it: nothing is stored that does not unpack.
func (s *codeStore) put(ctx context.Context, zip []byte) (storedCode, error) {
	_, unzipped, err := openZip(zip)
	if err != nil {
		return storedCode{}, err
	}
	sum := sha256.Sum256(zip)
	stored := storedCode{Hash: hex.EncodeToString(sum[:]), Size: int64(len(zip)), Unzipped: unzipped}
	unpacked, err := s.fill(func(dir string) error { return unzip(zip, dir, maxUnzipped) })
	if err != nil {
		return storedCode{}, err
	}
	defer os.RemoveAll(unpacked)
	there, err := s.objects.Has(ctx, stored.Hash)
	if err == nil && !there {
		err = s.objects.Put(ctx, stored.Hash, bytes.NewReader(zip))
	}
	if err != nil {
		return storedCode{}, fmt.Errorf("store code: %w", err)
	}
	// The first function that runs on it finds it unpacked, unless the same code is there already.
	if err := os.Rename(unpacked, filepath.Join(s.dir, stored.Hash)); err != nil && !errors.Is(err, fs.ErrExist) {
		return storedCode{}, err
	}
	return stored, nil
}

// folder returns where the code of that hash lies unpacked, after unpacking it if need be.
func (s *codeStore) folder(ctx context.Context, hash string) (string, error) {
	return s.filled(ctx, hash, []string{hash})
}

// layers returns where layers lie unpacked one over the other, what stands for /opt; "" if there are none.
func (s *codeStore) layers(ctx context.Context, codes []storedCode) (string, error) {
	if len(codes) == 0 {
		return "", nil
	}
	hashes := make([]string, len(codes))
	for i, c := range codes {
		hashes[i] = c.Hash
	}
	return s.filled(ctx, layersFolder(codes), hashes)
}

// layersFolder names the folder of layers in this order.
func layersFolder(codes []storedCode) string {
	sum := sha256.New()
	for _, c := range codes {
		io.WriteString(sum, c.Hash+"\n")
	}
	return "layers-" + hex.EncodeToString(sum.Sum(nil))
}

// filled returns the folder of that name with the code of these hashes in it. Calls for the same folder wait for one of
// them; a failure is not remembered, so that the next call tries again.
func (s *codeStore) filled(ctx context.Context, name string, hashes []string) (string, error) {
	dir := filepath.Join(s.dir, name)
	s.mu.Lock()
	u := s.unpacked[name]
	if u == nil {
		u = &unpacking{done: make(chan struct{})}
		s.unpacked[name] = u
		s.mu.Unlock()
		if u.err = s.unpack(ctx, hashes, dir); u.err != nil {
			s.mu.Lock()
			delete(s.unpacked, name)
			s.mu.Unlock()
		}
		close(u.done)
		return dir, u.err
	}
	s.mu.Unlock()
	select {
	case <-u.done:
		return dir, u.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// unpack fills a folder of another name and renames it: under its own name a folder is always complete.
func (s *codeStore) unpack(ctx context.Context, hashes []string, dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	temporary, err := s.fill(func(temporary string) error {
		for _, hash := range hashes {
			if err := s.unpackInto(ctx, hash, temporary); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	return os.Rename(temporary, dir)
}

// fill makes a folder that is complete, or none.
func (s *codeStore) fill(write func(dir string) error) (dir string, err error) {
	if dir, err = os.MkdirTemp(s.dir, partial); err != nil {
		return "", err
	}
	if err = write(dir); err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return dir, nil
}

func (s *codeStore) unpackInto(ctx context.Context, hash, dir string) error {
	object, err := s.objects.Get(ctx, hash)
	if err != nil {
		return fmt.Errorf("read code %s: %w", hash, err)
	}
	defer object.Close()
	zip, err := io.ReadAll(object)
	if err != nil {
		return fmt.Errorf("read code %s: %w", hash, err)
	}
	if err := unzip(zip, dir, maxUnzipped); err != nil {
		return fmt.Errorf("unpack code %s: %w", hash, err)
	}
	return nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
