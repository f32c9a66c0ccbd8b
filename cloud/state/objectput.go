package state

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// chunkSize is how many bytes of an object are one message of the stream.
const chunkSize = 128 << 10

// put writes an object in the format of JetStream's object stores: chunks under a subject of their own, then the
// description that makes them the object, in place of the earlier one.
//
// The library's own Put makes a publisher for each object, and a goroutine with it that may come to wait after the
// publisher is gone, for ever. Here each message is acknowledged before the next one is sent, and nothing outlives put.
func (o *Objects) put(ctx context.Context, key string, r io.Reader) error {
	earlier, err := o.store.GetInfo(ctx, key, jetstream.GetObjectInfoShowDeleted())
	if err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
		return err
	}
	info := jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: key, Opts: &jetstream.ObjectMetaOptions{ChunkSize: chunkSize}},
		Bucket:     o.name, NUID: rand.Text(),
	}
	if err := o.putChunks(ctx, &info, r); err != nil {
		o.purge(context.WithoutCancel(ctx), info.NUID)
		return err
	}
	if err := o.describe(ctx, &info); err != nil {
		return err // it may have been stored: the chunks stay
	}
	if earlier != nil && !earlier.Deleted {
		o.purge(ctx, earlier.NUID)
	}
	return nil
}

// describe makes info what is known of its object, in place of what was.
func (o *Objects) describe(ctx context.Context, info *jetstream.ObjectInfo) error {
	text, err := json.Marshal(info)
	if err != nil {
		return err
	}
	description := nats.NewMsg("$O." + o.name + ".M." + base64.URLEncoding.EncodeToString([]byte(info.Name)))
	description.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	description.Data = text
	return o.publish(ctx, description)
}

// longestWrite bounds how long a message waits for its acknowledgement, whatever time its caller has for the whole
// object: a journal that a write has failed on answers nothing.
const longestWrite = 10 * time.Second

func (o *Objects) publish(ctx context.Context, m *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, longestWrite)
	defer cancel()
	_, err := o.state.js.PublishMsg(ctx, m)
	return err
}

// putChunks writes the chunks of an object and completes its description.
func (o *Objects) putChunks(ctx context.Context, info *jetstream.ObjectInfo, r io.Reader) error {
	sum := sha256.New()
	chunk := make([]byte, chunkSize)
	for {
		n, err := io.ReadFull(r, chunk)
		if n > 0 {
			message := nats.NewMsg(o.chunks(info.NUID))
			message.Data = chunk[:n]
			if err := o.publish(ctx, message); err != nil {
				return err
			}
			sum.Write(chunk[:n])
			info.Size += uint64(n)
			info.Chunks++
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			info.Digest = jetstream.GetObjectDigestValue(sum)
			return nil
		case err != nil:
			return err
		}
	}
}

func (o *Objects) chunks(nuid string) string { return "$O." + o.name + ".C." + nuid }

// purge removes chunks that belong to no object any more, or once nobody reads them: a reader would wait for ever for
// those that are gone. Chunks that stay take room and do no other harm.
func (o *Objects) purge(ctx context.Context, nuid string) {
	o.mu.Lock()
	read := o.readers[nuid] > 0
	if read {
		o.doomed[nuid] = true
	}
	o.mu.Unlock()
	if read {
		return
	}
	stream, err := o.state.js.Stream(ctx, "OBJ_"+o.name)
	if err == nil {
		err = stream.Purge(ctx, jetstream.WithPurgeSubject(o.chunks(nuid)))
	}
	if err != nil {
		o.state.room.log.Warn("state: parts of an object that is not there any more could not be removed", "store", o.name, "error", err)
	}
}
