package lambda

import (
	"net/http"
	"regexp"
	"strings"

	"quotewire/cloud/protocol"
)

// latest is the qualifier of the version that updates change.
const latest = "$LATEST"

var (
	nameForm      = regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)
	qualifierForm = regexp.MustCompile(`^(\$LATEST|[a-zA-Z0-9-_]{1,128})$`)
	digitsForm    = regexp.MustCompile(`^[0-9]+$`)
	accountForm   = regexp.MustCompile(`^[0-9]{12}$`)
)

// target is a function and, if one is named, a version or an alias of it.
type target struct{ name, qualifier string }

// parse reads the ways in which a request names a function: NAME, NAME:QUALIFIER, ACCOUNT:function:NAME and an ARN,
// the last two with or without a qualifier. The qualifier may also come by itself; then both must agree.
func (s *Service) parse(text, qualifier string) (target, error) {
	rest := text
	if arn, ok := strings.CutPrefix(text, "arn:"); ok {
		// aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]
		parts := strings.SplitN(arn, ":", 4)
		if len(parts) != 4 || parts[1] != "lambda" {
			return target{}, errNameForm(text)
		}
		if parts[2] != s.Region {
			return target{}, errNotFound("Functions from '%s' are not reachable in this region ('%s')", parts[2], s.Region)
		}
		rest = parts[3]
	}
	if account, after, ok := strings.Cut(rest, ":function:"); ok {
		if !accountForm.MatchString(account) {
			return target{}, errNameForm(text)
		}
		if account != s.Account {
			return target{}, failure(http.StatusForbidden, "AccessDeniedException", "the function %s belongs to the account %s, and this cloud is the account %s", text, account, s.Account)
		}
		rest = after
	}
	name, inName, found := strings.Cut(rest, ":")
	switch {
	case !nameForm.MatchString(name) || found && !qualifierForm.MatchString(inName):
		return target{}, errNameForm(text)
	case len(name) > maxNameLength:
		return target{}, errConstraint(name, "functionName", "Member must have length less than or equal to 64")
	case found && qualifier != "" && inName != qualifier:
		return target{}, errInvalid("The derived qualifier from the function name does not match the specified qualifier.")
	case qualifier != "" && !qualifierForm.MatchString(qualifier):
		return target{}, errConstraint(qualifier, "qualifier", `Member must satisfy regular expression pattern: (|[a-zA-Z0-9$_-]+)`)
	case found:
		qualifier = inName
	}
	return target{name, qualifier}, nil
}

func errNameForm(text string) *protocol.Error {
	return errConstraint(text, "functionName",
		`Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`)
}

// arn is the ARN of a function, ending in its qualifier if there is one.
func (s *Service) arn(t target) string {
	arn := "arn:aws:lambda:" + s.Region + ":" + s.Account + ":function:" + t.name
	if t.qualifier != "" {
		arn += ":" + t.qualifier
	}
	return arn
}
