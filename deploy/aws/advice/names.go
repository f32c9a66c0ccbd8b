package advice

import (
	"regexp"
	"strings"

	"quotewire/dply/check"
	"quotewire/dply/token"
)

// rule is what AWS documents of a kind of name.
type rule struct {
	pattern *regexp.Regexp
	words   string
}

func named(pattern, words string) rule {
	return rule{regexp.MustCompile("^(?:" + pattern + ")$"), words}
}

// The names of types and verbs.
var (
	functionRule = named(`[A-Za-z0-9-_]{1,64}`, "1 to 64 letters, digits, hyphens and underscores")
	aliasRule    = named(`[A-Za-z0-9-_]{1,128}`, "1 to 128 letters, digits, hyphens and underscores, and not digits only")
	roleRule     = named(`[\w+=,.@-]{1,64}`, "1 to 64 letters, digits and + = , . @ - _")
	stageRule    = named(`[A-Za-z0-9-_]{1,128}`, "1 to 128 letters, digits, hyphens and underscores")
	neptuneRule  = named(`[a-zA-Z](?:-?[a-zA-Z0-9]){0,62}`, "1 to 63 letters, digits and single hyphens, beginning with a letter and not ending with a hyphen")
	frontRule    = named(`[\w-]{1,128}`, "1 to 128 letters, digits, hyphens and underscores")
	tagRule      = named(`[\w+=,.@:/ -]{1,256}`, "1 to 256 letters, digits, spaces and + = , . @ : / - _")
	variableRule = named(`[a-zA-Z][a-zA-Z0-9_]+`, "a letter, then letters, digits and underscores, two characters at least")

	rules = map[string]rule{
		"aws.S3.Bucket":         named(`[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`, "3 to 63 lower-case letters, digits, dots and hyphens, with a letter or a digit at both ends"),
		"aws.DynamoDB.Table":    named(`[A-Za-z0-9_.-]{3,255}`, "3 to 255 letters, digits and _ . -"),
		"aws.IAM.Role":          roleRule,
		"aws.IAM.Policy":        named(`[\w+=,.@-]{1,128}`, "1 to 128 letters, digits and + = , . @ - _"),
		"aws.Lambda.Function":   functionRule,
		"lambda.function":       functionRule,
		"aws.Lambda.Alias":      aliasRule,
		"lambda.addPermissions": named(`[A-Za-z0-9-_]{1,96}`, "1 to 96 letters, digits, hyphens and underscores"),
		"api.gatewayV2":         named(`(?s).{1,128}`, "1 to 128 characters"),
		"aws.VPC.VPC":           named(`(?s).{1,256}`, "1 to 256 characters"),
		"aws.Neptune.Cluster":   neptuneRule,
		"aws.Neptune.Instance":  neptuneRule,
		"aws.Logs.LogGroup":     named(`[.\-_/#A-Za-z0-9]{1,512}`, "1 to 512 letters, digits and . - _ / #"),

		"aws.CertificateManager.Certificate":   named(`(?:\*\.)?(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?`, "a domain name, perhaps with *. before it"),
		"aws.CloudFront.CachePolicy":           frontRule,
		"aws.CloudFront.ResponseHeadersPolicy": frontRule,
		"aws.CloudFront.OriginAccessControl":   named(`.{1,64}`, "1 to 64 characters"),
		"aws.CloudFront.Distribution":          tagRule,
		"cloudfront.distribution.fromS3":       named(`[\w-]{1,60}`, "1 to 60 letters, digits, hyphens and underscores, for the names of its parts are made of it"),
	}
)

// name looks whether AWS will refuse a name.
func (a *adviser) name(s *check.Statement) {
	if s.Type == nil || s.Verb == "find" || s.Name == "" || unknown(s.Name) {
		return
	}
	a.obey(rules, s.Type.Name, s.Name, s.NamePos)
	switch s.Type.Name {
	case "aws.S3.Bucket":
		if why := bucketTrouble(s.Name); why != "" {
			a.warn(s.NamePos, "W15", "Choose another name.", "AWS will refuse the bucket name %q: %s", s.Name, why)
		}
	case "lambda.function", "aws.Lambda.Function":
		if alias, ok := s.Prop("Alias").(check.String); ok {
			a.alias(alias.Text, alias.Pos)
		}
		if role, ok := s.Prop("Role").(*check.Role); ok {
			a.check(roleRule, "role", role.Name, role.Pos)
		}
		env, _ := s.Prop("Environment").(check.Map)
		for _, e := range env.Entries {
			if reserved[e.Name] || strings.HasPrefix(e.Name, "AWS_LAMBDA_") {
				a.warn(e.Pos, "W15", "Choose another name.", "AWS will refuse the variable %s: Lambda sets it itself", e.Name)
				continue
			}
			a.check(variableRule, "variable", e.Name, e.Pos)
		}
	case "api.gatewayV2":
		a.parts(s)
	}
}

func (a *adviser) obey(rules map[string]rule, typ, name string, at token.Position) {
	r, ok := rules[typ]
	if !ok {
		return
	}
	a.check(r, noun(typ), name, at)
}

// unknown reports whether a name has a part that only a run knows.
func unknown(name string) bool { return strings.Contains(name, check.UnknownAccount) }

func (a *adviser) check(r rule, what, name string, at token.Position) {
	if !unknown(name) && !r.pattern.MatchString(name) {
		a.warn(at, "W15", "It takes "+r.words+".", "AWS will refuse the %s name %q", what, name)
	}
}

func (a *adviser) alias(name string, at token.Position) {
	if name != "" && strings.Trim(name, "0123456789") == "" {
		a.warn(at, "W15", "It takes "+aliasRule.words+".", "AWS will refuse the alias name %q", name)
		return
	}
	a.check(aliasRule, "alias", name, at)
}

// noun is what people call something of a type.
func noun(typ string) string {
	return map[string]string{
		"aws.S3.Bucket": "bucket", "aws.DynamoDB.Table": "table", "aws.IAM.Role": "role", "aws.IAM.Policy": "policy",
		"aws.Lambda.Function": "function", "lambda.function": "function", "aws.Lambda.Alias": "alias", "lambda.addPermissions": "statement",
		"api.gatewayV2": "API", "aws.VPC.VPC": "network", "aws.Neptune.Cluster": "cluster", "aws.Neptune.Instance": "instance",
		"aws.Logs.LogGroup": "log group", "aws.CertificateManager.Certificate": "certificate", "aws.CloudFront.CachePolicy": "cache policy",
		"aws.CloudFront.ResponseHeadersPolicy": "response headers policy", "aws.CloudFront.OriginAccessControl": "origin access control",
		"aws.CloudFront.Distribution": "distribution", "cloudfront.distribution.fromS3": "distribution",
	}[typ]
}

var address = regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+$`)

// bucketTrouble is what S3 refuses beyond the characters.
func bucketTrouble(name string) string {
	if strings.Contains(name, "..") {
		return "it has two dots together"
	}
	if address.MatchString(name) {
		return "it looks like an IP address"
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return "names that begin with " + prefix + " are reserved"
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return "names that end with " + suffix + " are reserved"
		}
	}
	return ""
}

// reserved are the environment variables that Lambda sets and refuses to be given.
var reserved = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`_HANDLER _X_AMZN_TRACE_ID AWS_DEFAULT_REGION AWS_REGION AWS_EXECUTION_ENV AWS_ACCESS_KEY
		AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR`) {
		m[name] = true
	}
	return m
}()

var httpRoute = named(`\$default|(?:ANY|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT) /.*`, "")

// parts looks at the names of stages and the keys of routes.
func (a *adviser) parts(s *check.Statement) {
	http := text(s.Prop("Protocol")) == "http"
	for _, part := range s.Parts {
		switch part.Kind {
		case "stage":
			if part.Name != "$default" {
				a.check(stageRule, "stage", part.Name, part.Pos)
			} else if !http {
				a.warn(part.Pos, "W15", "Give the stage a name, such as \"live\".", "AWS will refuse the stage $default: only HTTP APIs have one")
			}
		case "route":
			switch {
			case http && !httpRoute.pattern.MatchString(part.Name):
				a.warn(part.Pos, "W15", `Write a method and a path, such as "GET /prices", or "$default".`, "AWS will refuse the route %q of an HTTP API", part.Name)
			case !http && strings.HasPrefix(part.Name, "$") && part.Name != "$connect" && part.Name != "$disconnect" && part.Name != "$default":
				a.warn(part.Pos, "W15", "The routes with a $ are $connect, $disconnect and $default.", "AWS will refuse the route %q", part.Name)
			case len(part.Name) > 128:
				a.warn(part.Pos, "W15", "A route key has 128 characters at most.", "AWS will refuse the route %.20q…", part.Name)
			}
		}
	}
}
