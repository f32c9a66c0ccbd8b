//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"quotewire/atomicfile"
	"quotewire/bench/measure"
)

// entry is one line of the journal.
type entry struct {
	Section string    `json:"section"`
	When    time.Time `json:"when"`
	Command string    `json:"command"` // that measured it
	measure.Result
}

// journal keeps every result from the moment that it is there.
type journal struct {
	path    string
	entries []entry
}

func openJournal(path string) (*journal, error) {
	j := &journal{path: path}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var e entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("%s:%d: %w; delete the file to begin anew", path, n, err)
		}
		j.entries = append(j.entries, e)
	}
	return j, lines.Err()
}

// add appends a result.
func (j *journal) add(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(j.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	j.entries = append(j.entries, e)
	return nil
}

// forget drops what was measured of sections.
func (j *journal) forget(sections []section) error {
	named := map[string]bool{}
	for _, s := range sections {
		named[s.name] = true
	}
	var kept []entry
	var text []byte
	for _, e := range j.entries {
		if named[e.Section] {
			continue
		}
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		kept, text = append(kept, e), append(append(text, line...), '\n')
	}
	j.entries = kept
	return atomicfile.Write(j.path, text, 0o666)
}

// has reports whether a cell has been measured.
func (j *journal) has(section, server, workload string, rep int) bool {
	for _, e := range j.entries {
		if e.Section == section && e.Server == server && e.Workload == workload && e.Rep == rep && e.Error == "" {
			return true
		}
	}
	return false
}

// of returns the results of a section, without those that failed.
func (j *journal) of(section string) results {
	var rs results
	for _, e := range j.entries {
		if e.Section == section && e.Error == "" {
			rs = append(rs, e.Result)
		}
	}
	return rs
}

// failures returns those that failed and were not measured later.
func (j *journal) failures(section string) (failed []entry) {
	for _, e := range j.entries {
		if e.Section == section && e.Error != "" && !j.has(section, e.Server, e.Workload, e.Rep) {
			failed = append(failed, e)
		}
	}
	return failed
}
