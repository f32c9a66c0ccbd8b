package lsp

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"quotewire/dply"
	"quotewire/dply/check"
	"quotewire/dply/schema"
	"quotewire/dply/token"
)

// Server answers one editor.
type Server struct {
	// Catalog is what a script can say.
	Catalog *schema.Catalog
	// Advise adds warnings about a script without mistakes; nil adds none.
	Advise func(*check.Program) token.List
	// Beside returns the scripts that lie in a folder of this machine: the files of one script lie together. Nil returns none.
	Beside func(folder string) []dply.Source
	// Version is what the server says of itself.
	Version string

	out       io.Writer
	documents map[string]*document // those that the editor has open, by their URI
	saved     map[string]*document // others beside them, by their path
	told      map[string]bool      // the URIs of which mistakes are shown
	ready     bool                 // initialize was asked
	down      bool                 // shutdown was asked
}

// ErrNoShutdown says that the editor left without a word: the protocol wants another exit status then.
var ErrNoShutdown = errors.New("the editor left without asking for shutdown")

// Serve reads messages until the editor says exit or closes the stream.
func (s *Server) Serve(in io.Reader, out io.Writer) error {
	s.out, s.documents, s.told = out, map[string]*document{}, map[string]bool{}
	r := bufio.NewReader(in)
	for {
		m, err := read(r)
		var broken *rpcError
		switch {
		case errors.As(err, &broken):
			if err := write(out, message{ID: null, Error: broken}); err != nil {
				return err
			}
			continue
		case errors.Is(err, io.EOF):
			return s.left()
		case err != nil:
			return err
		}
		if m.Method == "exit" {
			return s.left()
		}
		if m.Method == "" {
			continue // an answer; the server asks nothing
		}
		result, err := s.handle(m)
		if m.ID == nil {
			continue // notifications have no answer, not even to a mistake
		}
		answer := message{ID: m.ID, Result: result}
		if err != nil {
			if !errors.As(err, &answer.Error) {
				answer.Error = &rpcError{requestFailed, err.Error()}
			}
			answer.Result = nil
		} else if result == nil {
			answer.Result = null
		}
		if err := write(out, answer); err != nil {
			return err
		}
	}
}

func (s *Server) left() error {
	if s.down {
		return nil
	}
	return ErrNoShutdown
}

// handle does what one message asks for.
func (s *Server) handle(m message) (any, error) {
	switch {
	case m.Method == "initialize":
		s.ready = true
		return s.initialize(), nil
	case !s.ready:
		return nil, &rpcError{notInitialized, "the first request is initialize"}
	case s.down:
		return nil, &rpcError{invalidRequest, "the server is shut down"}
	}
	switch m.Method {
	case "shutdown":
		s.down = true
		return nil, nil
	case "initialized", "$/cancelRequest", "$/setTrace", "textDocument/didSave", "workspace/didChangeConfiguration":
		return nil, nil
	case "textDocument/didOpen", "textDocument/didChange", "textDocument/didClose":
		return nil, s.changed(m)
	}
	ask, known := requests[m.Method]
	if !known {
		return nil, &rpcError{methodNotFound, "no method " + m.Method}
	}
	var p positionParams
	if err := json.Unmarshal(m.Params, &p); err != nil {
		return nil, &rpcError{invalidParams, err.Error()}
	}
	d := s.documents[p.TextDocument.URI]
	if d == nil {
		return nil, &rpcError{invalidParams, "the document is not open: " + p.TextDocument.URI}
	}
	return ask(d, p)
}

// requests are what can be asked about an open document.
var requests = map[string]func(*document, positionParams) (any, error){
	"textDocument/completion":     (*document).complete,
	"textDocument/hover":          (*document).hover,
	"textDocument/definition":     (*document).definition,
	"textDocument/references":     (*document).references,
	"textDocument/prepareRename":  (*document).prepareRename,
	"textDocument/rename":         (*document).rename,
	"textDocument/formatting":     (*document).format,
	"textDocument/documentSymbol": (*document).symbols,
}

func (s *Server) initialize() any {
	return map[string]any{
		"serverInfo": map[string]any{"name": "quotewire", "version": s.Version},
		"capabilities": map[string]any{
			"textDocumentSync":           map[string]any{"openClose": true, "change": 1}, // whole texts
			"completionProvider":         map[string]any{"triggerCharacters": []string{".", ">", "@", "<", "=", "\"", " "}},
			"hoverProvider":              true,
			"definitionProvider":         true,
			"referencesProvider":         true,
			"renameProvider":             map[string]any{"prepareProvider": true},
			"documentFormattingProvider": true,
			"documentSymbolProvider":     true,
		},
	}
}

// changed takes the new text of a document and sends what is wrong with it, and with the files beside it.
func (s *Server) changed(m message) error {
	var p documentParams
	if err := json.Unmarshal(m.Params, &p); err != nil {
		return err
	}
	uri := p.TextDocument.URI
	text := p.TextDocument.Text
	switch m.Method {
	case "textDocument/didClose":
		return s.closed(uri)
	case "textDocument/didChange":
		if len(p.ContentChanges) == 0 {
			return nil
		}
		text = p.ContentChanges[len(p.ContentChanges)-1].Text
	}
	_, all := s.analyse(uri, text, p.TextDocument.Version)
	return s.publishAll(all)
}

// closed forgets the text of a document. What lies on the disk goes on being part of a script of which others are open.
func (s *Server) closed(uri string) error {
	d := s.documents[uri]
	delete(s.documents, uri)
	if err := s.publish(uri, 0, []diagnostic{}); err != nil || d == nil {
		return err
	}
	if i := slices.IndexFunc(d.script, func(other *document) bool { return s.documents[other.uri] == other }); i >= 0 {
		other := d.script[i]
		_, all := s.analyse(other.uri, other.text, other.version)
		return s.publishAll(all)
	}
	for _, other := range d.script { // nobody looks at the script any more
		if other != d && s.told[other.uri] {
			if err := s.publish(other.uri, 0, []diagnostic{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// publishAll sends what is wrong with files: with those that are open, and those of which something is or was wrong.
func (s *Server) publishAll(all []*document) error {
	for _, d := range all {
		if s.documents[d.uri] == nil && len(d.found) == 0 && !s.told[d.uri] {
			continue
		}
		if err := s.publish(d.uri, d.version, d.diagnostics()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) publish(uri string, version int, list []diagnostic) error {
	params, err := json.Marshal(diagnosticsParams{uri, version, list})
	if err != nil {
		return err
	}
	s.told[uri] = len(list) > 0
	return write(s.out, message{Method: "textDocument/publishDiagnostics", Params: params})
}
