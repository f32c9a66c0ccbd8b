package types

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/rogpeppe/go-internal/txtar"

	"quotewire/deploy"
)

// onMoto begins a trial of scripts that a test writes itself.
func onMoto(t *testing.T) *trial {
	r := &trial{T: t, dir: folder(t), issuer: startIssuer(t)}
	r.config = r.wire.through(server(t, "moto"))
	return r
}

// A run that was ended while it waited for a certificate leaves it pending: the next one makes the records.
func TestPendingCertificateIsValidated(t *testing.T) {
	t.Parallel()
	r := onMoto(t)
	_, err := acm.NewFromConfig(r.config).RequestCertificate(t.Context(), &acm.RequestCertificateInput{DomainName: aws.String("pending.types.example.org")})
	if err != nil {
		t.Fatal(err)
	}
	r.wire.take()
	last := r.deploy(&txtar.File{Name: "pending.dply", Data: []byte(`
> update certificate pending.types.example.org: ValidationProvider Route53
    target t
        find aws.Route53.DomainName "types.example.org" => domain
        ensure aws.CertificateManager.Certificate "pending.types.example.org"
            @teardown delete
            Domain <- domain
`)}, nil)
	r.destroy(last)
	r.gone(last)
}

// A certificate whose request was answered with silence is there, and waits for records that this run has to make.
func TestCertificateIsValidatedThoughTheAnswerWasLost(t *testing.T) {
	t.Parallel()
	r := onMoto(t)
	client := &losing{HTTPClient: r.config.HTTPClient, method: "POST", path: "/", target: "CertificateManager.RequestCertificate"}
	r.config.HTTPClient = client
	last := r.deploy(&txtar.File{Name: "silence.dply", Data: []byte(`
> create certificate silence.types.example.org
    target t
        find aws.Route53.DomainName "types.example.org" => domain
        ensure aws.CertificateManager.Certificate "silence.types.example.org"
            @teardown delete
            Domain <- domain
`)}, nil)
	if client.lost.Load() == 0 {
		t.Error("no answer was lost")
	}
	r.destroy(last)
	r.gone(last)
}

// losing is a client that loses the answer of one request after the server has done what it says.
type losing struct {
	aws.HTTPClient
	method, path string
	target       string // of the request, if its path says too little
	lost         atomic.Int32
}

func (l *losing) Do(r *http.Request) (*http.Response, error) {
	response, err := l.HTTPClient.Do(r)
	if err == nil && r.Method == l.method && strings.HasPrefix(r.URL.Path, l.path) && strings.HasSuffix(r.Header.Get("X-Amz-Target"), l.target) && l.lost.CompareAndSwap(0, 1) {
		response.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return response, err
}

// Of a lost answer nobody knows whether the distribution was made, changed or deleted; each is done once all the same.
func TestLostAnswersOfCloudFrontChangeNothing(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]struct {
		method, path string
		mode         deploy.Mode
	}{
		"create distribution": {"POST", "/2020-05-31/distribution", deploy.Deploy},
		"create policy":       {"POST", "/2020-05-31/cache-policy", deploy.Deploy},
		"create control":      {"POST", "/2020-05-31/origin-access-control", deploy.Deploy},
		"disable":             {"PUT", "/2020-05-31/distribution", deploy.Teardown},
		"delete distribution": {"DELETE", "/2020-05-31/distribution", deploy.Teardown},
		"delete policy":       {"DELETE", "/2020-05-31/cache-policy", deploy.Teardown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := onMoto(t)
			client := &losing{HTTPClient: r.config.HTTPClient, method: at.method, path: at.path}
			whole := r.config
			site := "lost-" + strings.ReplaceAll(name, " ", "-")
			script := strings.ReplaceAll(`
    target t
        ensure aws.S3.Bucket "SITE.example.org" => files
            @teardown delete
        cloudfront.distribution.fromS3 "SITE"
            @teardown delete
            Bucket <- files
            Comment <- "lost"
            TargetOriginId <- "files"
            MinTTL <- 0
`, "SITE", site)
			p := r.program(&txtar.File{Name: "lost.dply", Data: []byte(script)})
			run := func(mode deploy.Mode) {
				r.config = whole
				if mode == at.mode {
					r.config.HTTPClient = client
				}
				r.apply(p, mode)
				r.config = whole
			}
			run(deploy.Deploy)
			if again, calls := r.apply(p, deploy.Deploy); writes(calls) != nil {
				t.Errorf("the second deploy wrote for %q", said(again))
			}
			run(deploy.Teardown)
			r.gone(p)
			if client.lost.Load() == 0 {
				t.Error("no answer was lost")
			}
		})
	}
}
