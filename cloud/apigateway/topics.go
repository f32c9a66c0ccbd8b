package apigateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"quotewire/cloud/apigateway/socket"
	"quotewire/cloud/protocol"
)

// The topics API is an extension of this gateway beside @connections: POST /{stage}/@topics/{id}, signed, and allowed by
// the same policy as posts to connections. With the id of a connection it changes and answers what the connection listens
// to (subscription), with that of a board it publishes (publication). On AWS the address is answered with 403.

// A subscription is what a POST to /{stage}/@topics/{connectionId} asks for. It is done in the order of the fields.
type subscription struct {
	Unsubscribe []string `json:"unsubscribe"`
	Subscribe   []string `json:"subscribe"`

	// Announced are topics that the caller has told the publishers of, as an earlier answer asked for.
	Announced []string `json:"announced"`

	// With a template, the connection is sent one message of those of the messages that it is subscribed to: see
	// [board.show].
	Template string       `json:"template"`
	Messages []topicValue `json:"messages"`
}

// subscribed is the answer to a subscription.
type subscribed struct {
	Board    string   `json:"board"`    // the id to publish to, so that this connection hears it
	Announce []string `json:"announce"` // topics that publishers may not know yet to be listened to at this board
	Lease    int64    `json:"lease"`    // seconds for which they are to know it
}

// A publication is what a POST to /{stage}/@topics/{boardId} asks for.
type publication struct {
	Template string       `json:"template"`
	Messages []topicValue `json:"messages"`
}

// published is the answer to a publication.
type published struct {
	Delivered int `json:"delivered"` // connections that get to hear of it
}

// topicValue is what a topic says. The data is any JSON, and goes out as it stands.
type topicValue struct {
	Topic   string          `json:"topic"`
	Version int64           `json:"version"`
	Data    json.RawMessage `json:"data"`
}

// boards are the boards of the process by stage, and by their ids.
type boards struct {
	mu      sync.Mutex // guards the following
	byStage map[stageID]*board
	byID    map[string]*board
}

// of returns the board of a stage, nil if it has none.
func (b *boards) of(apiID, stage string) *board {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.byStage[stageID{apiID, stage}]
}

// find returns the board with an id, nil if there is none.
func (b *boards) find(id string) *board {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.byID[id]
}

// board returns the board of a stage, a new one if it has none yet.
func (s *Service) board(apiID, stage string) *board {
	b := &s.boards
	b.mu.Lock()
	defer b.mu.Unlock()
	key := stageID{apiID, stage}
	if b.byStage[key] == nil {
		if b.byStage == nil {
			b.byStage, b.byID = map[stageID]*board{}, map[string]*board{}
		}
		made := newBoard(key, s.sendAll)
		b.byStage[key], b.byID[made.id] = made, made
	}
	return b.byStage[key]
}

// leaveBoard ends the subscriptions of a connection that has ended.
func (s *Service) leaveBoard(c *conn) {
	if b := s.boards.of(c.apiID, c.stage); b != nil {
		b.leave(c)
	}
}

// answerTopics answers the topics API.
func (s *Service) answerTopics(p *post) {
	if p.r.Method != http.MethodPost {
		p.refuse(http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return
	}
	if !s.mayManage(p) {
		return
	}
	if !s.admitToAccount(time.Now()) {
		p.answer(http.StatusTooManyRequests, "LimitExceededException", nil)
		return
	}
	body, err := protocol.ReadBody(p.r, maxTopicsBody)
	if e := (*protocol.Error)(nil); errors.As(err, &e) && e.Status == http.StatusRequestEntityTooLarge {
		p.refuse(e.Status, "PayloadTooLargeException", fmt.Sprintf("the request is too long: it may have %d bytes", maxTopicsBody))
		return
	}
	if err != nil {
		p.refuse(http.StatusBadRequest, "BadRequestException", "the request body did not arrive whole")
		return
	}
	if isBoardID(p.connection) {
		s.publish(p, body)
	} else {
		s.subscribe(p, body)
	}
}

func (s *Service) publish(p *post, body []byte) {
	b := s.boards.find(p.connection)
	if b == nil || b.key != (stageID{p.apiID, p.stage}) {
		p.answer(http.StatusGone, "GoneException", nil)
		return
	}
	var in publication
	frame, err := s.readTopics(body, &in, &in.Template, &in.Messages)
	if err == nil && frame == nil {
		err = errors.New(`"template" is missing`)
	}
	if err != nil {
		p.refuse(http.StatusBadRequest, "BadRequestException", err.Error())
		return
	}
	p.answer(http.StatusOK, "", encode(published{b.publish(in.Messages, frame)}))
}

func (s *Service) subscribe(p *post, body []byte) {
	if _, ok := tagOf(p.connection); !ok {
		p.answer(http.StatusBadRequest, "BadRequestException", encode(invalidConnection{"Invalid connectionId: " + p.connection, p.connection, p.requestID}))
		return
	}
	var in subscription
	frame, err := s.readTopics(body, &in, &in.Template, &in.Messages)
	if err == nil {
		err = checkTopics(in.Subscribe, in.Unsubscribe, in.Announced)
	}
	if err != nil {
		p.refuse(http.StatusBadRequest, "BadRequestException", err.Error())
		return
	}
	c := s.hub.find(p.connection)
	if c == nil || c.apiID != p.apiID || c.stage != p.stage {
		p.answer(http.StatusGone, "GoneException", nil)
		return
	}
	b, now := s.board(p.apiID, p.stage), time.Now()
	b.unsubscribe(c, in.Unsubscribe)
	err = b.subscribe(c, in.Subscribe)
	if err == nil {
		b.confirm(in.Announced, now)
		if frame != nil {
			err = b.show(c, in.Messages, frame, frame.room(s.MaxMessage))
		}
	}
	switch {
	case errors.Is(err, errTooMany):
		p.refuse(http.StatusBadRequest, "BadRequestException", err.Error())
	case err != nil:
		p.answer(http.StatusGone, "GoneException", nil)
	default:
		p.answer(http.StatusOK, "", encode(subscribed{b.id, b.announce(in.Subscribe, now.Add(-renewTopics)), int64(s.topicsLease() / time.Second)}))
	}
}

// topicsLease is how long a publisher is to know that a board has listeners, after it was told so: until the topic is
// announced anew, and as long again as the connection lives that came just before, with some minutes for clocks that
// differ. What has run out has no listener, whether its gateway can be asked or not.
func (s *Service) topicsLease() time.Duration { return renewTopics + s.Lifetime + 10*time.Minute }

// readTopics decodes a request and checks what both have.
func (s *Service) readTopics(body []byte, into any, text *string, values *[]topicValue) (*template, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("the request is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return nil, fmt.Errorf("the request is no JSON of the topics API: %w", err)
	}
	for _, v := range *values {
		if err := checkTopics([]string{v.Topic}); err != nil {
			return nil, err
		}
		if v.Version < 1 {
			return nil, fmt.Errorf("the version of %q must be a number from 1", v.Topic)
		}
		if len(v.Data) == 0 {
			return nil, fmt.Errorf(`"data" of %q is missing`, v.Topic)
		}
		if most := s.MaxMessage - len(*text); len(v.Data) > most {
			return nil, fmt.Errorf("the data of %q is too long: a message may have %d bytes", v.Topic, s.MaxMessage)
		}
	}
	if *text == "" && len(*values) == 0 {
		return nil, nil
	}
	return parseTemplate(*text)
}

func checkTopics(lists ...[]string) error {
	for _, list := range lists {
		for _, name := range list {
			if name == "" || len(name) > maxTopicName {
				return fmt.Errorf("the name of a topic has 1 to %d bytes; got %.300q", maxTopicName, name)
			}
		}
	}
	return nil
}

// template is the text of messages: $data stands for what topics say, with commas between, and $context.connectionId
// for the receiver's id. Both stand for it wherever they are, quotes or not.
type template struct {
	before, after []byte // of the data; at the ids is room for an id
	ids, idsAfter []int  // where in before, and in after
}

func parseTemplate(text string) (*template, error) {
	const data = "$data"
	before, after, ok := strings.Cut(text, data)
	if !ok || strings.Contains(after, data) {
		return nil, fmt.Errorf(`"template" must have %s once, where the data of the messages goes; got %.300q`, data, text)
	}
	t := &template{}
	t.before, t.ids = cutIDs(before)
	t.after, t.idsAfter = cutIDs(after)
	return t, nil
}

// cutIDs makes room for an id at each place of $context.connectionId in text.
func cutIDs(text string) (b []byte, at []int) {
	for {
		part, rest, ok := strings.Cut(text, "$context.connectionId")
		b = append(b, part...)
		if !ok {
			return b, at
		}
		at = append(at, len(b))
		b, text = append(b, make([]byte, socket.IDLength)...), rest
	}
}

// message is the text with data in it.
func (t *template) message(key uint64, data ...json.RawMessage) *socket.Message {
	size := len(t.before) + len(t.after)
	for _, d := range data {
		size += len(d) + 1
	}
	text := append(make([]byte, 0, size), t.before...)
	for i, d := range data {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, d...)
	}
	ids := append(make([]int, 0, len(t.ids)+len(t.idsAfter)), t.ids...)
	for _, at := range t.idsAfter {
		ids = append(ids, len(text)+at)
	}
	return socket.Personal(append(text, t.after...), ids, key)
}

// room is how many bytes of data a message of at most size bytes has room for.
func (t *template) room(size int) int { return size - len(t.before) - len(t.after) }
