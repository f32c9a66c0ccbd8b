package socket

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"quotewire/cloud/apigateway/socket/sockettest"
)

func text(payload string) []byte { return sockettest.Frame(0x80|opText, payload) }

func TestParser(t *testing.T) {
	big := strings.Repeat("x", config.MaxFrame)
	for _, test := range []struct {
		name  string
		bytes []byte
		want  string // messages and controls, each after its opcode's letter; then how it ends
	}{
		{"text", text("hello"), "t:hello EOF"},
		{"empty", text(""), "t: EOF"},
		{"every length around the masks", join(text("1"), text("12"), text("1234567"), text("12345678"), text("123456789")), "t:1 t:12 t:1234567 t:12345678 t:123456789 EOF"},
		{"126 bytes", text(strings.Repeat("y", 126)), "t:" + strings.Repeat("y", 126) + " EOF"},
		{"largest frame", text(big), "t:" + big + " EOF"},
		{"fragments with a ping between", join(sockettest.Frame(opText, "a"), sockettest.Frame(0x80|opPing, "p"), sockettest.Frame(opContinuation, ""), sockettest.Frame(0x80|opContinuation, "b")), "9:p t:ab EOF"},
		{"a character across fragments", join(sockettest.Frame(opText, "\xc3"), sockettest.Frame(0x80|opContinuation, "\xa4")), "t:ä EOF"},
		{"largest message", join(sockettest.Frame(opText, big), sockettest.Frame(opContinuation, big), sockettest.Frame(opContinuation, big), sockettest.Frame(0x80|opContinuation, big)), "t:" + big + big + big + big + " EOF"},
		{"close", sockettest.Frame(0x80|opClose, "\x03\xe8bye"), "8:\x03\xe8bye EOF"},
		{"frame too big", text(big + "x"), "1009"},
		{"frame far too big", []byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "1009"},
		{"message too big", join(sockettest.Frame(opText, big), sockettest.Frame(opContinuation, big), sockettest.Frame(opContinuation, big), sockettest.Frame(opContinuation, big), sockettest.Frame(0x80|opContinuation, "x")), "1009"},
		{"binary", sockettest.Frame(0x80|opBinary, "x"), "1003"},
		{"not masked", []byte{0x81, 1, 'x'}, "1002"},
		{"reserved bit", sockettest.Frame(0xc0|opText, "x"), "1002"},
		{"unknown opcode", sockettest.Frame(0x83, "x"), "1002"},
		{"unknown control", sockettest.Frame(0x8b, "x"), "1002"},
		{"continuation of nothing", sockettest.Frame(0x80|opContinuation, "x"), "1002"},
		{"text in a message", join(sockettest.Frame(opText, "a"), text("b")), "1002"},
		{"fragmented ping", sockettest.Frame(opPing, "x"), "1002"},
		{"long ping", sockettest.Frame(0x80|opPing, strings.Repeat("x", 126)), "1002"},
		{"no UTF-8", text("\xff"), "1007"},
		{"no UTF-8, known before the end of the frame", text("ab\xffcd")[:9], "1007"},
		{"no UTF-8, known before the end of the message", sockettest.Frame(opText, "\xed\xa0"), "1007"},
		{"a character that the message does not end", text("a\xe2\x82"), "1007"},
		{"a character that the last fragment does not end", join(sockettest.Frame(opText, "\xe2"), sockettest.Frame(0x80|opContinuation, "\x82")), "1007"},
		{"the largest character, by bytes", join(sockettest.Frame(opText, "\xf4"), sockettest.Frame(opContinuation, "\x8f"), sockettest.Frame(opContinuation, "\xbf"), sockettest.Frame(0x80|opContinuation, "\xbf")), "t:\U0010ffff EOF"},
		{"above the largest character", join(sockettest.Frame(opText, "\xf4"), sockettest.Frame(opContinuation, "\x90")), "1007"},
		{"a message after one in fragments", join(sockettest.Frame(opText, "\xc3"), sockettest.Frame(0x80|opContinuation, "\xa4"), text("\xc3\xa4")), "t:ä t:ä EOF"},
		{"binary in a message", join(sockettest.Frame(opText, "a"), sockettest.Frame(0x80|opBinary, "b")), "1002"},
		{"a length of 16 bits for 125 bytes", join([]byte{0x81, 0x80 | 126, 0, 125}, make([]byte, 129)), "1002"},
		{"a length of 64 bits for 65535 bytes", []byte{0x81, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, "1002"},
		{"cut in the head", text("hello")[:3], "EOF"},
		{"cut in the payload", text("hello")[:8], "EOF"},
	} {
		for how, r := range map[string]io.Reader{"at once": bytes.NewReader(test.bytes), "by bytes": iotest.OneByteReader(bytes.NewReader(test.bytes))} {
			if got := readAll(r); got != test.want {
				t.Errorf("%s, %s: %s, want %s", test.name, how, shorten(got), shorten(test.want))
			}
		}
	}
}

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

func readAll(source io.Reader) string {
	var p parser
	var got []string
	buf := make([]byte, 64<<10)
	for {
		n, end := source.Read(buf)
		for in := buf[:n]; len(in) > 0; {
			opcode, payload, rest, err := p.next(in, config.MaxFrame, config.MaxMessage)
			switch {
			case err != nil:
				return strings.Join(append(got, fmtCode(err.code)), " ")
			case opcode == opText:
				got = append(got, "t:"+string(payload))
			case opcode != opContinuation:
				got = append(got, string('0'+rune(opcode))+":"+string(payload))
			}
			in = rest
		}
		if end != nil {
			return strings.Join(append(got, "EOF"), " ")
		}
	}
}

func fmtCode(code int) string {
	return string([]byte{byte('0' + code/1000), byte('0' + code/100%10), byte('0' + code/10%10), byte('0' + code%10)})
}

func TestCloseFrames(t *testing.T) {
	for _, test := range []struct {
		payload string
		code    int
		reason  string
		refused int
	}{
		{"", 1005, "", 0},
		{"\x03\xe8", 1000, "", 0},
		{"\x0f\xa0why", 4000, "why", 0},
		{"\x03", 0, "", 1002},
		{"\x03\xed", 0, "", 1002}, // 1005 is never sent
		{"\x03\xee", 0, "", 1002},
		{"\x03\xe7", 0, "", 1002}, // 999
		{"\x13\x88", 0, "", 1002}, // 5000
		{"\x03\xe8\xff", 0, "", 1007},
	} {
		code, reason, refused := parseClose([]byte(test.payload))
		if refused == nil {
			refused = &closeError{}
		} else {
			code = 0
		}
		if code != test.code || reason != test.reason || refused.code != test.refused {
			t.Errorf("%q: %d %q %v, want %d %q %d", test.payload, code, reason, refused, test.code, test.reason, test.refused)
		}
	}
	if got := closePayload(1000, strings.Repeat("ä", 100)); len(got) != 124 {
		t.Errorf("a long reason takes %d bytes, want 124: whole characters within 125", len(got))
	}
}

// FuzzParser holds that the reader neither fails nor exceeds its limits, whatever it reads, and that what it
// accepts does not depend on how the bytes arrive.
func FuzzParser(f *testing.F) {
	f.Add(text("hello"))
	f.Add(join(sockettest.Frame(opText, "a"), sockettest.Frame(0x80|opPing, "p"), sockettest.Frame(0x80|opContinuation, "b")))
	f.Add(sockettest.Frame(0x80|opClose, "\x03\xe8bye"))
	f.Add([]byte{0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		at, by := readAll(bytes.NewReader(b)), readAll(iotest.OneByteReader(bytes.NewReader(b)))
		if at != by {
			t.Errorf("at once %q, by bytes %q", at, by)
		}
	})
}

// BenchmarkParser reads text messages of usual sizes, whole and in fragments.
func BenchmarkParser(b *testing.B) {
	for _, test := range []struct {
		name  string
		bytes []byte
	}{
		{"100 bytes", text(strings.Repeat("x", 100))},
		{"4 KB", text(strings.Repeat("x", 4<<10))},
		{"32 KB, not ASCII", text(strings.Repeat("ä", 16<<10))},
		{"4 fragments of 1 KB", join(sockettest.Frame(opText, strings.Repeat("x", 1<<10)), sockettest.Frame(opContinuation, strings.Repeat("x", 1<<10)),
			sockettest.Frame(opContinuation, strings.Repeat("x", 1<<10)), sockettest.Frame(0x80|opContinuation, strings.Repeat("x", 1<<10)))},
	} {
		b.Run(test.name, func(b *testing.B) {
			var p parser
			in := make([]byte, len(test.bytes))
			b.SetBytes(int64(len(test.bytes)))
			b.ReportAllocs()
			for b.Loop() {
				copy(in, test.bytes)
				if opcode, _, _, err := p.next(in, config.MaxFrame, config.MaxMessage); opcode != opText || err != nil {
					b.Fatal(opcode, err)
				}
			}
		})
	}
}

func shorten(s string) string { return s[:min(len(s), 100)] }
