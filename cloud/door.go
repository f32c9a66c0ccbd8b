package cloud

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"quotewire/cloud/front"
	"quotewire/cloud/protocol"
)

// Who may come in. A cloud stands on its owner's machine, where web pages of anybody's run in the same browser:
//
//   - The Host header must be an address or a name that this cloud stands for. A page whose own name was made to lead
//     here (DNS rebinding) is refused whatever it asks for, deployed APIs included.
//   - The Origin header, if there is one, must be of this machine for everything that drives the cloud: the services,
//     @connections and /_quotewire. It need not be for a deployed API: on AWS any page may connect to one as well, and
//     whom to serve is for its authorizer to say. What protects it here is that nobody can guess its id, unless
//     --api-id has pinned it.
//   - Plain text is taken from this machine only. It is where one end of the connection is a loopback address, or where
//     both ends have the same address: no packet with a machine's own address comes in from outside.

// Bounds on what a client may make the cloud wait for or keep.
const (
	headTimeout = 30 * time.Second
	idleTimeout = 5 * time.Minute
	maxHead     = 64 << 10 // bytes of a request line and its headers; longer ones are answered 431
)

// minSecret is how long the secret of a pinned root must be if others than this machine can try it, in characters. AWS's
// have 40.
const minSecret = 32

func (c *Cloud) newServer(config front.Config) *front.Server {
	s := front.New(config)
	s.ReadHeaderTimeout, s.IdleTimeout, s.MaxHeaderBytes = headTimeout, idleTimeout, maxHead
	s.BaseContext = func(net.Listener) context.Context { return c.background }
	s.ErrorLog = log.New(debugWriter{c.config.Log}, "", 0)
	return s
}

// ServePage serves a page for people on a listener of its own until [Cloud.Close], as the cloud itself is served: in
// plain text to this machine, over TLS to all, and to nobody who calls it by a name that is not its own.
func (c *Cloud) ServePage(l net.Listener, page http.Handler) {
	beyond := c.isBeyond(l)
	c.page = c.newServer(front.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := unwelcome(r, beyond, false); why != "" {
			refuse(w, why)
			return
		}
		page.ServeHTTP(w, r)
	})})
	c.serving.Go(func() { c.page.Serve(l, c.ca.config()) })
}

// isBeyond reports whether a listener takes connections from other machines, and says so.
func (c *Cloud) isBeyond(l net.Listener) bool {
	if l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		return false
	}
	c.config.Log.Warn("listening beyond the loopback: plain text is taken from this machine only, everybody else must use TLS and trust the certificate",
		"address", l.Addr().String(), "certificate", c.CA())
	return true
}

// unwelcome says why a request is refused before anything is done for it; "" if it is not. beyond says that its listener
// can be reached from other machines.
// named says that the host is one that somebody has given to APIs of this cloud.
func unwelcome(r *http.Request, beyond, named bool) string {
	if !named && !ownHost(r.Host) {
		return fmt.Sprintf("this cloud does not answer for the host %q; use an address, localhost, or a name of AWS's", r.Host)
	}
	if beyond && r.TLS == nil && !fromThisMachine(r) {
		return "this cloud takes plain text from its own machine only; use https:// or wss:// and trust the certificate ca.pem of its state folder"
	}
	return ""
}

func refuse(w http.ResponseWriter, why string) {
	w.Header().Set("Connection", "close") // what else this client has to say is of no interest
	writeJSON(w, http.StatusForbidden, map[string]string{"message": why})
}

// ownHost reports whether a Host header names this cloud: an address, localhost, or a name that it stands for. Any
// other name leads here only by a trick of DNS.
func ownHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	return net.ParseIP(host) != nil || standsFor(host)
}

// foreign returns the origin of a page that is not of this machine; "" for a page that is, and for what is no page.
func foreign(r *http.Request) string {
	origins := r.Header["Origin"]
	for _, origin := range origins {
		if !ownOrigin(origin) {
			return cmp.Or(origin, "no origin")
		}
	}
	if origins == nil && protocol.Header(r, "Sec-Fetch-Site") == "cross-site" && !signed(r) {
		return "another site" // an image, a script or a link: browsers say no more of those
	}
	return ""
}

// ownOrigin reports whether a page comes from this machine. Sandboxed pages and files have the origin "null", and
// anybody can make those.
func ownOrigin(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// fromThisMachine reports whether the client of a request runs on this machine.
func fromThisMachine(r *http.Request) bool {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	from := remote.Addr().Unmap()
	if from.IsLoopback() {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.AddrPort().Addr().Unmap() == from
}
