package lambda

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// lookupTimeout bounds how long the machine's resolver is asked; a function's own resolver asks again after it.
const lookupTimeout = 5 * time.Second

// maxLookups bounds the questions of one function that are looked up at a time; more are dropped, as UDP may.
const maxLookups = 50

// answerNames is the resolver of a function in a VPC without a way out. Names work there, on AWS as well: those of AWS
// lead to this cloud, all others to where they lead on this machine. It runs until conn is closed.
func answerNames(ctx context.Context, conn net.PacketConn, standsFor func(string) bool, known *knownNames) {
	slots := make(chan struct{}, maxLookups)
	var asked sync.WaitGroup
	defer asked.Wait()
	for {
		question := make([]byte, 1<<10)
		n, from, err := conn.ReadFrom(question)
		if err != nil {
			return
		}
		select {
		case slots <- struct{}{}:
		default:
			continue
		}
		asked.Go(func() {
			defer func() { <-slots }()
			if answer := answerName(ctx, question[:n], standsFor, known); answer != nil {
				conn.WriteTo(answer, from)
			}
		})
	}
}

// answerName answers one question, or returns nil for what is none.
func answerName(ctx context.Context, question []byte, standsFor func(string) bool, known *knownNames) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || m.Response || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m = dnsmessage.Message{
		Header:    dnsmessage.Header{ID: m.ID, Response: true, RecursionDesired: m.RecursionDesired, RecursionAvailable: true},
		Questions: m.Questions,
	}
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	header := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 60}
	switch {
	case q.Class != dnsmessage.ClassINET || q.Type != dnsmessage.TypeA && q.Type != dnsmessage.TypeAAAA: // nothing to say
	case standsFor != nil && standsFor(name):
		if q.Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: netip.MustParseAddr(insideCloud).As4()}})
		}
	default:
		network := "ip4"
		if q.Type == dnsmessage.TypeAAAA {
			network = "ip6"
		}
		ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
		defer cancel()
		found, err := net.DefaultResolver.LookupNetIP(ctx, network, name+".")
		var failure *net.DNSError
		if errors.As(err, &failure) && !failure.IsNotFound {
			m.RCode = dnsmessage.RCodeServerFailure
		} else if err != nil && q.Type == dnsmessage.TypeA {
			m.RCode = dnsmessage.RCodeNameError
		}
		for _, a := range found {
			known.add(a, name)
			var body dnsmessage.ResourceBody = &dnsmessage.AResource{}
			if a = a.Unmap(); a.Is4() {
				body = &dnsmessage.AResource{A: a.As4()}
			} else {
				body = &dnsmessage.AAAAResource{AAAA: a.As16()}
			}
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: body})
		}
	}
	packed, err := m.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// knownNames remembers which names a function has looked up.
type knownNames struct {
	mu    sync.Mutex // protects following
	names map[netip.Addr]string
}

// maxNames bounds them; later ones are shown as addresses.
const maxNames = 1000

func (k *knownNames) add(a netip.Addr, name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.names == nil {
		k.names = map[netip.Addr]string{}
	}
	if len(k.names) < maxNames {
		k.names[a.Unmap()] = name
	}
}

func (k *knownNames) of(a netip.Addr) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.names[a.Unmap()]
}
