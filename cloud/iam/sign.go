package iam

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Sign signs a request that is about to be sent, in its headers, with Signature Version 4. The body is what it will
// carry. A service of the cloud that calls another one in somebody's name has nothing but the wire to do so.
func Sign(r *http.Request, body []byte, c Credentials, service, region string, at time.Time) {
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	date := at.UTC().Format(dateLayout)
	r.Header.Set("X-Amz-Date", date)
	r.Header.Set("X-Amz-Content-Sha256", hash)
	if c.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", c.SessionToken)
	}
	names := []string{"host"}
	for name := range r.Header {
		if name = strings.ToLower(name); name == "content-type" || strings.HasPrefix(name, "x-amz-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	sig := &signature{day: date[:dayLength], region: region, service: service, date: date, signedHeaders: strings.Join(names, ";")}
	sig.scope = sig.day + "/" + region + "/" + service + "/" + terminator
	toSign := sig.appendStringToSign(nil, sha256.Sum256(appendCanonical(nil, r, sig, hash)))
	value := hex.EncodeToString(mac(deriveKey(c.SecretAccessKey, sig.day, region, service), toSign))
	r.Header.Set("Authorization", algorithm+" Credential="+c.AccessKeyID+"/"+sig.scope+", SignedHeaders="+sig.signedHeaders+", Signature="+value)
}
