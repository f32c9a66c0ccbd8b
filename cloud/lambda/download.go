package lambda

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// codePathPrefix begins the addresses at which the zips of functions and layers are fetched. On AWS they lie in a
// bucket of Lambda's own.
const codePathPrefix = "/_aws/lambda-code/"

// codeLocation is an address that gives the zip of that hash to whoever has it, for ten minutes.
func (s *Service) codeLocation(hash string) string {
	expires := strconv.FormatInt(time.Now().Add(codeLocationAge).Unix(), 10)
	return s.Endpoint + codePathPrefix + hash + ".zip?Expires=" + expires + "&Signature=" + s.signCode(hash, expires)
}

func (s *Service) signCode(hash, expires string) string {
	h := hmac.New(sha256.New, s.codeKey)
	io.WriteString(h, hash+" "+expires)
	return hex.EncodeToString(h.Sum(nil))
}

// IsCode tells whether a request is for the zip of a function or a layer; it is then for [Service.ServeCode].
func (s *Service) IsCode(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, codePathPrefix) }

// ServeCode sends the zip that an address given by GetFunction or GetLayerVersion stands for.
func (s *Service) ServeCode(w http.ResponseWriter, r *http.Request) {
	hash := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, codePathPrefix), ".zip")
	query := r.URL.Query()
	expires, err := strconv.ParseInt(query.Get("Expires"), 10, 64)
	switch {
	case err != nil || !hmac.Equal([]byte(query.Get("Signature")), []byte(s.signCode(hash, query.Get("Expires")))):
		protocol.WriteError(w, protocol.RESTXML, protocol.Errorf(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."))
		return
	case time.Now().Unix() > expires:
		protocol.WriteError(w, protocol.RESTXML, protocol.Errorf(http.StatusForbidden, "AccessDenied", "Request has expired"))
		return
	}
	object, err := s.code.objects.Get(r.Context(), hash)
	if errors.Is(err, state.ErrNotFound) {
		protocol.WriteError(w, protocol.RESTXML, protocol.Errorf(http.StatusNotFound, "NoSuchKey", "The specified key does not exist."))
		return
	}
	if err != nil {
		s.Log.Error("lambda: code could not be read", "error", err)
		protocol.WriteError(w, protocol.RESTXML, err)
		return
	}
	defer object.Close()
	w.Header().Set("Content-Type", "application/zip")
	if _, err := io.Copy(w, object); err != nil {
		panic(http.ErrAbortHandler) // a response that ended well would say that it is whole
	}
}
