package view

import (
	"fmt"
	"io"
	"strings"

	"quotewire/deploy"
	"quotewire/dply/token"
)

// Drift prints how what exists differs from what the script says, given the steps that would bring it into line.
func Drift(w io.Writer, steps []deploy.Planned, colours bool) error {
	var b strings.Builder
	width, same := nameWidth(steps), 0
	for _, s := range steps {
		place := paint(colours, dim, s.Position)
		switch s.Action {
		case deploy.None:
			same++
		case deploy.Create:
			fmt.Fprintf(&b, "%s %s  %s  is missing\n", paint(colours, red, "-"), pad(s.Resource, width), place)
		default:
			fmt.Fprintf(&b, "%s %s  %s\n", paint(colours, yellow, "~"), pad(s.Resource, width), place)
			for _, c := range s.Changes {
				writeDifference(&b, c, colours)
			}
		}
	}
	if same == len(steps) {
		fmt.Fprintf(&b, "%s no drift: %d resources are as the script says\n", paint(colours, green, "="), same)
	} else {
		fmt.Fprintf(&b, "%s %d differ, %d are as the script says\n", paint(colours, yellow, "="), len(steps)-same, same)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeDifference says of a property what it is and what it should be.
func writeDifference(b *strings.Builder, c deploy.Change, colours bool) {
	c.Old, c.New = token.Printable(c.Old), token.Printable(c.New)
	switch {
	case c.Old != "" && c.New != "":
		fmt.Fprintf(b, "    %s is %s, the script says %s\n", c.Property, c.Old, c.New)
	case c.New != "":
		fmt.Fprintf(b, "    %s is not set, the script says %s\n", c.Property, c.New)
	case c.Old != "":
		fmt.Fprintf(b, "    %s is %s, the script does not say so\n", c.Property, c.Old)
	default:
		fmt.Fprintf(b, "    %s\n", c.Property)
	}
	for _, s := range c.Removed {
		fmt.Fprintf(b, "      %s\n", paint(colours, red, "only in the cloud:  "+token.Printable(s)))
	}
	for _, s := range c.Added {
		fmt.Fprintf(b, "      %s\n", paint(colours, green, "only in the script: "+token.Printable(s)))
	}
}
