package tail

import (
	"fmt"
	"hash/fnv"
	"io"
	"strings"
	"unicode/utf8"
)

// widest is how far names are padded, so that messages stand under each other.
const widest = 32

// Printer writes lines for people: the function's name if there are several, the time, the message.
type Printer struct {
	w        io.Writer
	names    bool
	terminal bool
	width    int // of the longest name so far
}

// NewPrinter returns a printer that puts the functions' names in front of lines if names says so. Terminal says that w
// is one, of a kind that understands colours.
func NewPrinter(w io.Writer, names, terminal bool) *Printer {
	return &Printer{w: w, names: names, terminal: terminal}
}

// Print writes lines, and each line of a message of several with all that stands in front.
func (p *Printer) Print(lines []Line) error {
	if p.names {
		for _, l := range lines {
			p.width = min(widest, max(p.width, utf8.RuneCountInString(l.Function)))
		}
	}
	var b strings.Builder
	for _, l := range lines {
		front := p.paint(grey, l.Time.Format("15:04:05.000")) + "  "
		if p.names {
			front = p.paint(colourOf(l.Function), fmt.Sprintf("%-*s", p.width, l.Function)) + "  " + front
		}
		for text := range strings.SplitSeq(l.Message, "\n") {
			b.WriteString(front + p.paint(tone(text), printable(text)) + "\n")
		}
	}
	_, err := io.WriteString(p.w, b.String())
	return err
}

// ANSI colours. They never say anything that the text does not.
const (
	grey = "2"
	red  = "31"
)

func (p *Printer) paint(colour, text string) string {
	if !p.terminal || colour == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// colourOf gives each function a colour that it keeps.
func colourOf(function string) string {
	h := fnv.New32a()
	io.WriteString(h, function)
	return []string{"32", "33", "34", "35", "36", "92", "94", "95", "96"}[h.Sum32()%9]
}

// tone sets the platform's own lines back, and those of a failure forth.
func tone(text string) string {
	for _, mark := range []string{"Task timed out after", "Runtime.ExitError", "Status: error", "Status: timeout"} {
		if strings.Contains(text, mark) {
			return red
		}
	}
	for _, platform := range []string{"INIT_START ", "START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_REPORT "} {
		if strings.HasPrefix(text, platform) {
			return grey
		}
	}
	return ""
}

// printable shows the control characters of a function's output as what they are, tabs aside: they must not steer the
// terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return '�'
		}
		return r
	}, text)
}
