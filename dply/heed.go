package dply

import (
	"regexp"
	"slices"

	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// fine is what a comment says to switch warnings off on its line: ok W10, or ok W10 W12, and then perhaps the reason.
var fine = regexp.MustCompile(`\bok((?:[ ,]+W\d+)+)`)

var warning = regexp.MustCompile(`W\d+`)

// heed drops the warnings that the script switches off, and gives the others the text of their lines.
func heed(files []*syntax.File, list token.List) token.List {
	byName := make(map[string]*syntax.File, len(files))
	for _, f := range files {
		byName[f.Name] = f
	}
	for i, d := range list {
		if f := byName[d.Pos.File]; d.Source == "" && f != nil && d.Pos.Line > 0 && d.Pos.Line <= len(f.Lines) {
			list[i].Source = f.Lines[d.Pos.Line-1].Text
		}
	}
	return slices.DeleteFunc(list, func(d token.Diagnostic) bool {
		return d.Warning() && slices.Contains(switchedOff(byName[d.Pos.File], d.Pos.Line), d.Code)
	})
}

func switchedOff(f *syntax.File, line int) []string {
	if f == nil || line < 1 || line > len(f.Lines) {
		return nil
	}
	if m := fine.FindStringSubmatch(f.Lines[line-1].Comment); m != nil {
		return warning.FindAllString(m[1], -1)
	}
	return nil
}
