package apigateway

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"sync/atomic"
	"time"

	"quotewire/cloud/apigateway/socket"
)

// resourceID returns a random id of n letters and digits, as API Gateway gives them to what the control plane makes.
func resourceID(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	rand.Read(b)
	for i, c := range b {
		b[i] = alphabet[int(c)%len(alphabet)] // the slight bias does no harm: ids are no secrets
	}
	return string(b)
}

// Ids of the data plane are those of package socket: 11 bytes, as text 16 characters. The first four grow with time, the next
// four tell ids of the same second apart, then comes the kind. The last two are a tag of the API, so that an id tells its
// API even when its connection is gone. To clients all of this is opaque.
const (
	idKind     = 8
	idTag      = 9
	kindSocket = 2 // connections and their messages
	kindCall   = 4 // requests
	kindBoard  = 8 // boards of topics
)

var idCounter atomic.Uint32

func init() {
	var seed [4]byte
	rand.Read(seed[:])
	idCounter.Store(binary.BigEndian.Uint32(seed[:]))
}

// connectionID returns an id that cannot be guessed from another one. Two may be equal, if very rarely: the hub takes
// each id only once.
func connectionID(apiID string) socket.ID {
	var b socket.ID
	rand.Read(b[4:8])
	return finishID(b, apiID, kindSocket)
}

// boardID returns an id that cannot be guessed and is never the same again.
func boardID(apiID string) string {
	var b socket.ID
	rand.Read(b[4:8])
	return finishID(b, apiID, kindBoard).String()
}

func isBoardID(id string) bool {
	b, ok := socket.ParseID(id)
	return ok && b[idKind] == kindBoard
}

// messageID and requestID return ids that differ within one run of the process. They open nothing, so they may be dense.
func messageID(apiID string) string { return countedID(apiID, kindSocket) }
func requestID(apiID string) string { return countedID(apiID, kindCall) }

func countedID(apiID string, kind byte) string {
	var b socket.ID
	binary.BigEndian.PutUint32(b[4:], idCounter.Add(1))
	return finishID(b, apiID, kind).String()
}

func finishID(b socket.ID, apiID string, kind byte) socket.ID {
	binary.BigEndian.PutUint32(b[:], uint32(time.Now().Unix()))
	b[idKind] = kind
	binary.BigEndian.PutUint16(b[idTag:], apiTag(apiID))
	return b
}

func apiTag(apiID string) uint16 {
	h := fnv.New32a()
	h.Write([]byte(apiID))
	sum := h.Sum32()
	return uint16(sum>>16) ^ uint16(sum)
}

// tagOf returns the API's tag in a connection id; false if the text is not the id of anything.
func tagOf(id string) (uint16, bool) {
	b, ok := socket.ParseID(id)
	return binary.BigEndian.Uint16(b[idTag:]), ok
}

// traceID returns the second part of an X-Amzn-Trace-Id.
func traceID() string {
	var b [12]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
