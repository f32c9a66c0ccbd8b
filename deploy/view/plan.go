package view

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/token"
)

// Plan prints what a run would do: a line for each resource with the place in the script that asks for it, what differs
// below it, and at the end what is left and the counts.
func Plan(w io.Writer, steps []deploy.Planned, colours bool) error {
	var b strings.Builder
	width := nameWidth(steps)
	var left []string
	for _, s := range steps {
		if s.Action == deploy.None {
			why := ""
			if s.Why != "" {
				why = " (" + s.Why + ")"
			}
			left = append(left, s.Resource+why)
			continue
		}
		sign := signs[s.Action]
		fmt.Fprintf(&b, "%s %s  %s\n", paint(colours, sign[1], sign[0]), pad(s.Resource, width), paint(colours, dim, s.Position))
		for _, c := range s.Changes {
			writeChange(&b, c, colours)
		}
	}
	if len(left) > 0 {
		fmt.Fprintf(&b, "%s\n", paint(colours, dim, fold("left: "+strings.Join(left, ", "))))
	}
	fmt.Fprintf(&b, "%s %s\n", paint(colours, green, "="), counts(steps))
	_, err := io.WriteString(w, b.String())
	return err
}

func writeChange(b *strings.Builder, c deploy.Change, colours bool) {
	fmt.Fprintf(b, "    %s\n", token.Printable(c.String()))
	for _, s := range c.Removed {
		fmt.Fprintf(b, "      %s\n", paint(colours, red, "- "+token.Printable(s)))
	}
	for _, s := range c.Added {
		fmt.Fprintf(b, "      %s\n", paint(colours, green, "+ "+token.Printable(s)))
	}
}

// nameWidth is the column of names' width. One much longer name does not push all positions out of a narrow terminal.
func nameWidth(steps []deploy.Planned) int {
	const most = 48
	width := 0
	for _, s := range steps {
		if n := utf8.RuneCountInString(s.Resource); s.Action != deploy.None && n <= most {
			width = max(width, n)
		}
	}
	return width
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// lineWidth is where the list of what is left is folded.
const lineWidth = 110

func fold(text string) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Split(text, " ") {
		n := len([]rune(word))
		switch {
		case i == 0:
		case column+1+n > lineWidth:
			b.WriteString("\n  ")
			column = 2
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// counts says how many steps of each kind there are.
func counts(steps []deploy.Planned) string {
	var n [deploy.Act + 1]int
	for _, s := range steps {
		n[s.Action]++
	}
	if n[deploy.None] == len(steps) {
		return fmt.Sprintf("nothing to do, %d left as they are", len(steps))
	}
	var parts []string
	for _, a := range []deploy.Action{deploy.Create, deploy.Update, deploy.Delete, deploy.Act} {
		if n[a] > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n[a], a))
		}
	}
	return strings.Join(parts, ", ") + fmt.Sprintf(", %d left", n[deploy.None])
}

// Parameters prints what a run was told, above its plan. A script without parameters has no such line.
func Parameters(w io.Writer, params []check.Parameter, colours bool) error {
	if len(params) == 0 {
		return nil
	}
	words := make([]string, len(params))
	for i, p := range params {
		words[i] = fmt.Sprintf("%s = %s (%s)", p.Name, p.Value, p.From)
	}
	_, err := fmt.Fprintf(w, "%s\n", paint(colours, dim, fold("with "+strings.Join(words, ", "))))
	return err
}

// PlanJSON prints what a run would do as one JSON object, for programs.
func PlanJSON(w io.Writer, params []check.Parameter, steps []deploy.Planned) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Changes    int               `json:"changes"`
		Parameters []check.Parameter `json:"parameters,omitempty"`
		Steps      []deploy.Planned  `json:"steps"`
	}{Changes(steps), params, steps})
}

// Changes is the number of steps that do something.
func Changes(steps []deploy.Planned) int {
	n := 0
	for _, s := range steps {
		if s.Action != deploy.None {
			n++
		}
	}
	return n
}
