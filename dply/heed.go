package dply

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// fine is what a comment says to switch warnings off on its line: ok W10, or ok W10 W12, and then perhaps the reason.
var fine = regexp.MustCompile(`\bok((?:[ ,]+W\d+)+)`)

var warning = regexp.MustCompile(`W\d+`)

// heed drops the warnings that the script switches off, and gives the others the text of their lines. If all have been looked
// for, it adds one for each comment that switches nothing off: what it was for is gone, or has moved.
func heed(files []*syntax.File, list token.List, all bool) token.List {
	byName := make(map[string]*syntax.File, len(files))
	for _, f := range files {
		byName[f.Name] = f
	}
	for i, d := range list {
		if f := byName[d.Pos.File]; d.Source == "" && f != nil && d.Pos.Line > 0 && d.Pos.Line <= len(f.Lines) {
			list[i].Source = f.Lines[d.Pos.Line-1].Text
		}
	}
	type use struct {
		line *syntax.Line
		code string
	}
	heeded := map[use]bool{}
	list = slices.DeleteFunc(list, func(d token.Diagnostic) bool {
		f := byName[d.Pos.File]
		if !d.Warning() || f == nil || d.Pos.Line < 1 || d.Pos.Line > len(f.Lines) {
			return false
		}
		line := &f.Lines[d.Pos.Line-1]
		off := slices.Contains(switchedOff(line), d.Code)
		if off {
			heeded[use{line, d.Code}] = true
		}
		return off
	})
	if !all {
		return list
	}
	for _, f := range files {
		for i := range f.Lines {
			line := &f.Lines[i]
			codes := switchedOff(line)
			unused := slices.IndexFunc(codes, func(code string) bool { return !heeded[use{line, code}] })
			if unused < 0 {
				continue
			}
			column := utf8.RuneCountInString(line.Text[:len(line.Text)-len(line.Comment)]) + 1
			list = append(list, token.Diagnostic{Pos: line.Column(column), Code: "W05", Source: line.Text,
				Message: fmt.Sprintf("there is no %s on this line to switch off", codes[unused]), Hint: "Take it out of the comment, or put it on the line that the warning points at."})
		}
	}
	return list
}

// switchedOff are the codes of the warnings that the comment of a line switches off.
func switchedOff(line *syntax.Line) []string {
	if !strings.Contains(line.Comment, "ok") {
		return nil
	}
	if m := fine.FindStringSubmatch(line.Comment); m != nil {
		return warning.FindAllString(m[1], -1)
	}
	return nil
}
