package dply_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"quotewire/deploy/aws"
	"quotewire/deploy/aws/advice"
	"quotewire/dply"
)

// scripts are long ones, of n units each, by what they are long of. Some are long of mistakes.
var scripts = map[string]func(n int) string{
	"prose":      units("Prices are kept in a table of their own, and this line says so.\n"),
	"statements": units("        ensure aws.S3.Bucket \"code-#.example.org\" => code#\n            @teardown preserve\n"),
	"parameters": func(n int) string { return each(n, "    parameter p# <- `x{p0}#`\n", "    parameter p0 <- \"a\"\n") },
	"templates": func(n int) string {
		return each(n, "        `{p}-{p}` => t#\n", "    parameter p <- \"a\"\n    target t\n")
	},
	"one template": func(n int) string {
		return "    parameter p <- \"\"\n    target t\n        show `" + strings.Repeat("{p}", n) + "`\n"
	},
	"targets":       func(n int) string { return each(n, "    target t#\n        show 1\n", "") },
	"comments":      units("        show 1 // ok W10: not here\n"),
	"one comment":   func(n int) string { return "    target t\n        show 1 // ok" + strings.Repeat(" W10", n) + "\n" },
	"unknown names": units("        show nobody#\n"),
	"unknown types": units("        ensure aws.S3.Bukket \"b#\"\n            @teardown delete\n"),
	"functions that are alike": units("        lambda.function \"f#\" => f#\n            @like first\n            Description <- \"#\"\n", `        ensure aws.IAM.Role "r" => r
            @teardown delete
            Assume <- trust
        lambda.function "first" => first
            @teardown delete
            Runtime <- "go"
            Role <- r
            Code <= aws.S3.Location
                Bucket <- "code.example.org"
                Key <- "lambda-watch.zip"
`),
	"roles that share": units("        ensure aws.IAM.Role \"r#\"\n            @teardown delete\n            Assume <- trust\n            Inline <- trust\n"),
	"one policy in many roles": func(n int) string {
		return each(n, role, "    target t\n        policy => shared\n"+strings.Repeat("            allow \"s3:GetObject\" \"*\"\n", n))
	},
	"APIs with the routes of one": func(n int) string {
		return each(n, "        api.gatewayV2 \"a#\"\n            @like first\n", "    target t\n"+api+strings.Repeat("            route \"GET /x\" \"i\"\n", n))
	},
	"routes to nothing": func(n int) string {
		return "    target t\n" + api + each(n, "            integration \"i#\"\n                Type <- \"AWS_PROXY\"\n            route \"GET /#\" \"x\"\n", "")
	},
	"a list used often": func(n int) string {
		return each(n, "        policy => p#\n            allow many \"*\"\n", "    target t\n        ["+strings.Repeat("\"s3:GetObject\", ", n)+"\"s3:PutObject\"] => many\n")
	},
}

const (
	api = `        api.gatewayV2 "first" => first
            @teardown delete
            Protocol <- "http"
            integration "i"
                Type <- "AWS_PROXY"
                Uri <- "arn:aws:lambda:us-east-1:111122223333:function:f"
`
	role = `        ensure aws.Lambda.Function "f#"
            @teardown delete
            Runtime <- "go"
            Code <= aws.S3.Location
                Bucket <- "code.example.org"
                Key <- "lambda-watch.zip"
            Role <= aws.IAM.WithRole "shared"
                assume
                    allow "sts:AssumeRole"
                        principal "Service" "lambda.amazonaws.com"
                policy shared
`
	trust = "    target t\n        policy => trust\n            allow \"sts:AssumeRole\"\n                principal \"Service\" \"lambda.amazonaws.com\"\n"
)

// units is a script of n times a text in a target, in which # is a number.
func units(text string, before ...string) func(int) string {
	return func(n int) string { return each(n, text, trust+strings.Join(before, "")) }
}

func each(n int, text, before string) string {
	var b strings.Builder
	b.WriteString(before)
	for i := range n {
		b.WriteString(strings.ReplaceAll(text, "#", fmt.Sprint(i)))
	}
	return b.String()
}

// Four times the script is four times the work of laying it out and of checking it, and not sixteen times. Work is counted in
// allocations and bytes, which do not depend on what else the machine does; what grows by doubling may take a step more.
func TestWorkGrowsWithTheScript(t *testing.T) {
	catalog := aws.Catalog()
	ways := map[string]func(dply.Source){
		"lay out": func(s dply.Source) { dply.Format(s) },
		"check":   func(s dply.Source) { dply.Check(catalog, []dply.Source{s}, dply.Advice(advice.Give)) },
	}
	for name, script := range scripts {
		for way, do := range ways {
			const n = 500
			one, four := effort(do, script(n)), effort(do, script(4*n))
			if four.allocs > 5*one.allocs+10000 || four.bytes > 6.5*one.bytes+4<<20 {
				t.Errorf("%s %s: %d units take %d allocations of %d bytes, four times as many %d of %d: %.1f and %.1f times",
					way, name, n, int(one.allocs), int(one.bytes), int(four.allocs), int(four.bytes), four.allocs/one.allocs, four.bytes/one.bytes)
			}
		}
	}
}

type work struct{ allocs, bytes float64 }

func effort(do func(dply.Source), text string) work {
	var before, after runtime.MemStats
	source := dply.Source{Name: "long.dply", Text: []byte(text)}
	runtime.ReadMemStats(&before)
	do(source)
	runtime.ReadMemStats(&after)
	return work{float64(after.Mallocs - before.Mallocs), float64(after.TotalAlloc - before.TotalAlloc)}
}
