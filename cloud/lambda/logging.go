package lambda

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// loggingConfig says how what a function prints and what the platform says of it is written, and where.
type loggingConfig struct {
	LogFormat           string
	LogGroup            string
	ApplicationLogLevel string `json:",omitempty"` // with the format JSON
	SystemLogLevel      string `json:",omitempty"` // with the format JSON
}

const (
	formatText = "Text"
	formatJSON = "JSON"
)

// Levels, the most talkative first.
var (
	applicationLevels = []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}
	systemLevels      = []string{"DEBUG", "INFO", "WARN"}
)

var logGroupForm = regexp.MustCompile(`^[\.\-_/#A-Za-z0-9]{1,512}$`)

func (l *loggingConfig) check() error {
	switch {
	case l.LogFormat != "" && l.LogFormat != formatText && l.LogFormat != formatJSON:
		return errConstraint(l.LogFormat, "loggingConfig.logFormat", "Member must satisfy enum value set: [JSON, Text]")
	case l.ApplicationLogLevel != "" && !slices.Contains(applicationLevels, l.ApplicationLogLevel):
		return errConstraint(l.ApplicationLogLevel, "loggingConfig.applicationLogLevel", "Member must satisfy enum value set: ["+strings.Join(applicationLevels, ", ")+"]")
	case l.SystemLogLevel != "" && !slices.Contains(systemLevels, l.SystemLogLevel):
		return errConstraint(l.SystemLogLevel, "loggingConfig.systemLogLevel", "Member must satisfy enum value set: ["+strings.Join(systemLevels, ", ")+"]")
	case l.LogGroup != "" && !logGroupForm.MatchString(l.LogGroup):
		return errConstraint(l.LogGroup, "loggingConfig.logGroup", `Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`)
	}
	return nil
}

// checkOver tells whether the members that were given fit those of c that stay.
func (l *loggingConfig) checkOver(c loggingConfig) error {
	if l != nil && l.ApplicationLogLevel+l.SystemLogLevel != "" && cmp.Or(l.LogFormat, c.LogFormat) != formatJSON {
		return errInvalid("ApplicationLogLevel and SystemLogLevel need the LogFormat JSON.")
	}
	return nil
}

// apply writes the members that were given over c. A format brings its levels with it.
func (l *loggingConfig) apply(c *loggingConfig) {
	if l.LogGroup != "" {
		c.LogGroup = l.LogGroup
	}
	if l.LogFormat != "" {
		c.LogFormat = l.LogFormat
	}
	if c.LogFormat != formatJSON {
		c.ApplicationLogLevel, c.SystemLogLevel = "", ""
		return
	}
	for _, level := range []struct {
		have  *string
		given string
	}{{&c.ApplicationLogLevel, l.ApplicationLogLevel}, {&c.SystemLogLevel, l.SystemLogLevel}} {
		if level.given != "" {
			*level.have = level.given
		} else if *level.have == "" {
			*level.have = "INFO"
		}
	}
}

// keeps reports whether a line that the function printed is logged. With the format JSON, a line that is an object with
// a level below the configured one is not; a line without a level counts as INFO.
func (c *loggingConfig) keeps(line []byte) bool {
	if c.LogFormat != formatJSON || c.ApplicationLogLevel == applicationLevels[0] {
		return true
	}
	level := "INFO"
	if len(line) > 0 && line[0] == '{' {
		var object struct {
			Level string `json:"level"`
		}
		if json.Unmarshal(line, &object) == nil && slices.Contains(applicationLevels, strings.ToUpper(object.Level)) {
			level = strings.ToUpper(object.Level)
		}
	}
	return slices.Index(applicationLevels, level) >= slices.Index(applicationLevels, c.ApplicationLogLevel)
}
