//go:build linux

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"quotewire/bench/measure"
)

func TestReplacePartKeepsTheProse(t *testing.T) {
	text := "# Title\n<!-- bench push -->\nold\n<!-- end of bench push -->\nprose\n"
	got, err := replacePart(text, "push", "new\n")
	if want := "# Title\n<!-- bench push -->\n\nnew\n\n<!-- end of bench push -->\nprose\n"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if again, err := replacePart(got, "push", "new\n"); err != nil || again != got {
		t.Errorf("a second time: got %q, %v", again, err)
	}
	if _, err := replacePart(text, "storms", "new"); err == nil {
		t.Error("a document without the markers is taken")
	}
}

func TestJournalForgetsWhatIsMeasuredAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.jsonl")
	j, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []entry{
		{Section: "push", Result: measure.Result{Server: "limit", Workload: "push:1", Count: 1}},
		{Section: "push", Result: measure.Result{Server: "gws", Workload: "push:1", Error: "it fell over"}},
		{Section: "memory", Result: measure.Result{Server: "limit", Workload: "idle:10", Count: 1}},
	} {
		if err := j.add(e); err != nil {
			t.Fatal(err)
		}
	}
	if j, err = openJournal(path); err != nil {
		t.Fatal(err)
	}
	if !j.has("push", "limit", "push:1", 0) || j.has("push", "gws", "push:1", 0) || len(j.failures("push")) != 1 {
		t.Errorf("got %+v", j.entries)
	}
	if err := j.forget([]section{{name: "push"}}); err != nil {
		t.Fatal(err)
	}
	if j, err = openJournal(path); err != nil || len(j.entries) != 1 || j.entries[0].Section != "memory" {
		t.Errorf("after push was forgotten: %+v, %v", j.entries, err)
	}
}

func TestPlotIsXMLWithALineForEachServer(t *testing.T) {
	p := plot{title: "CPU & time", x: "sockets", y: "µs", logX: true, series: []series{
		{"limit", []point{{100, 9}, {1000, 10}, {10000, 13}}},
		{"quotewire", []point{{100, 9.5}, {1000, 10.5}, {10000, 13.1}}},
		{"absent", nil},
	}}
	svg := p.svg()
	d := xml.NewDecoder(strings.NewReader(svg))
	lines := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "path" {
			for _, a := range e.Attr {
				if a.Value == "line" {
					lines++
				}
			}
		}
	}
	if lines != 2 || !strings.Contains(svg, "prefers-color-scheme: dark") {
		t.Errorf("%d lines in\n%s", lines, svg)
	}
}
