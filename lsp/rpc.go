package lsp

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxMessage bounds a message of the editor: the largest script that anyone edits, many times over.
const maxMessage = 64 << 20

// message is a request, a notification (without an id) or an answer.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  any             `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

// null is the answer of a request that has none.
var null = json.RawMessage("null")

// The errors of JSON-RPC and of the protocol that the server answers with.
const (
	parseFailed    = -32700
	invalidRequest = -32600
	methodNotFound = -32601
	invalidParams  = -32602
	notInitialized = -32002
	requestFailed  = -32803
)

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string { return e.Message }

// read takes the next message off the stream. Its error is an *rpcError if the message was whole and no JSON.
func read(r *bufio.Reader) (message, error) {
	length := -1
	for {
		head, err := r.ReadSlice('\n') // a line is no longer than the reader's buffer
		switch {
		case errors.Is(err, io.EOF) && len(head) == 0 && length < 0:
			return message{}, io.EOF
		case errors.Is(err, io.EOF):
			return message{}, fmt.Errorf("read the head of a message: %w", io.ErrUnexpectedEOF)
		case err != nil:
			return message{}, fmt.Errorf("read the head of a message: %w", err)
		}
		line := strings.TrimRight(string(head), "\r\n")
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil || length < 0 || length > maxMessage {
				return message{}, fmt.Errorf("a message of the length %q", strings.TrimSpace(value))
			}
		}
	}
	if length < 0 {
		return message{}, errors.New("a message without Content-Length")
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return message{}, fmt.Errorf("read a message: %w", err)
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return message{}, &rpcError{parseFailed, "the message is not JSON: " + err.Error()}
	}
	return m, nil
}

func write(w io.Writer, m message) error {
	m.Version = "2.0"
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return err
}
