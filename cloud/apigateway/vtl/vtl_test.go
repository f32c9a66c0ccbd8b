package vtl

import (
	"strings"
	"testing"
)

// message is what the templates of the tests map.
const message = `{"action":"user","id":"user003","price":2200,"ratio":0.5,"whole":1.0,"pro":true,"none":null,"tickers":["EIQQ","NVTX"],` +
	`"desk":{"name":"equities","seat":7},"quotes":[{"ticker":"EIQQ","price":1},{"ticker":"NVTX","price":2}],"odd name":"x"}`

func variables() map[string]any {
	context, query, header := NewMap(), NewMap(), NewMap()
	context.Put("connectionId", "O9iVddyboAMCJ1A=")
	identity := NewMap()
	identity.Put("sourceIp", "192.0.2.44")
	context.Put("identity", identity)
	query.Put("ticker", "EIQQ")
	header.Put("Origin", "https://quotes.example")
	return map[string]any{
		"input":   &Input{Body: message, Query: query, Header: header},
		"util":    Util{},
		"context": context,
		"name":    "quote",
	}
}

// cases are templates with what they print; the fuzz tests begin with them.
var cases = []struct{ template, want string }{
	{``, ``},
	{`plain $ text # and \ all`, `plain $ text # and \ all`},
	{`$name ${name}s $!name $name.length() $name.`, `quote quotes quote 5 quote.`},
	{`$missing $!missing ${missing.x} $missing.call()`, `$missing  ${missing.x} $missing.call()`},
	{`$context.connectionId/$context.identity.sourceIp/$context.nope/$context.nope.more/`, `O9iVddyboAMCJ1A=/192.0.2.44///`},
	{`\$name \\$name \$missing $5 $$name`, `$name \quote \$missing $5 $quote`},
	{`\#if #5 #ff0000 \##`, `#if #5 #ff0000 \`},
	{"a## comment\nb#* long\ncomment *#c#[[$name #if]]#", "abc$name #if"},

	{`$input.body.length()`, `236`},
	{`$input.json('$.id') $input.json('$.price') $input.json('$.none') $input.json('$.missing')`, `"user003" 2200 "" ""`},
	{`$input.json('$.desk')$input.json('$.quotes[0]')`, `{"name":"equities","seat":7}{"ticker":"EIQQ","price":1}`},
	{`$input.path('$.desk') $input.path('$.tickers') $input.path('$.ratio') $input.path('$.whole')`, `{name=equities, seat=7} [EIQQ, NVTX] 0.5 1.0`},
	{`$input.path('$').desk.seat $input.path('$.desk').name.toUpperCase()`, `7 EQUITIES`},
	{`$input.path("$.quotes[*].ticker") $input.path('$..price') $input.path("$['odd name']") $input.path('$.tickers[-1]')`, `[EIQQ, NVTX] [2200, 1, 2] x NVTX`},
	{`$input.path('$.tickers[0:1]') $input.path('$.tickers[0,1]') $input.path('$.desk.*')`, `[EIQQ] [EIQQ, NVTX] [equities, 7]`},
	{`$input.params('ticker') $input.params('origin') [$input.params('nope')] $input.params().header.keySet()`, `EIQQ https://quotes.example [] [Origin]`},

	{"#set($a = 1)\n$a", "1"},
	{`#set($a = "x$name")$a#set($a = 'x$name')$a`, `xquotex$name`},
	{`#set($m = {"a": 1, 'b': [1, 2]})#set($m.c = "d")#set($m["e"] = true)$m $m.b[1] $m.get('a')`, `{a=1, b=[1, 2], c=d, e=true} 2 1`},
	{`#set($l = [1..3])#set($l[0] = 9)$l $l.size() ${l.get(2)}`, `[9, 2, 3] 3 3`},
	{`#set($i = 7 / 2 * 2 + 7 % 4 - 1)$i #set($f = 7 / 2.0)$f #set($s = 1 + "2")$s #set($n = -3)$n`, `8 3.5 12 -3`},
	{`#set($x = 1 / 0)[$x]`, `[]`},

	{`#if($input.path('$.pro'))yes#{else}no#end`, `yes`},
	{`#if($input.path('$.missing'))yes#elseif($input.path('$.price') > 2000 && !false)dear#else no#end`, `dear`},
	{`#if($input.path('$.missing') == "")empty#end#if($name != 'quote')a#end#if(!$nope)b#end`, `emptyb`},
	{`#if(1 lt 2 and 2 le 2 and 3 gt 2 and 3 ge 3 and 1 eq 1 and 1 ne 2 or false)all#end#if(not true)none#end`, `all`},
	{`#if(1 == 1.0)same#end#if("1" == 1)same#end#if((1 == 2) || ("b" > "a"))or#end`, `sameor`},
	{"#if(true)\n  a\n#else\n  b\n#end\nc", "  a\nc"},

	{`#foreach($q in $input.path('$.quotes'))$foreach.index:$q.ticker=$q.price#if($foreach.hasNext),#end#end`, `0:EIQQ=1,1:NVTX=2`},
	{`#foreach($k in $input.path('$.desk').keySet())$k #end$!k`, `name seat `},
	{`#foreach($e in $input.path('$.desk').entrySet())$e.key=$e.value $e.getKey() #end`, `name=equities name seat=7 seat `},
	{`#foreach($i in [5..1])#if($i == 2)#break#end$velocityCount$i #end#foreach($x in $nothing)x#end`, `15 24 33 `},
	{`#foreach($i in [1..2])#foreach($j in [1..2])$foreach.parent.count$foreach.count #end#end`, `11 12 21 22 `},
	{`a#stop b`, `a`},

	{`$name.substring(1) $name.substring(0, 2) $name.indexOf("o") $name.charAt(0) $name.replace('q', 'Q') $name.concat("s")`, `uote qu 2 q Quote quotes`},
	{`$name.replaceAll('([aeiou])', '<$1>') $name.replaceFirst("o", "0") $name.matches('q.*e') $name.split('o')`, `q<u><o>t<e> qu0te true [qu, te]`},
	{`$name.contains('uo') $name.startsWith("q") $name.endsWith("q") $name.equals('quote') $name.equalsIgnoreCase("QUOTE") $name.isEmpty() $name.empty`, `true true false true true false false`},
	{`#set($l = [])$l.isEmpty() $l.add(1) $l.addAll([2, 3]) $l.contains(2) $l.remove(0) $l $l.indexOf(3)`, `true true true true 1 [2, 3] 1`},
	{`#set($m = {})$!m.put("a", 1)$m.containsKey("a")$m.size()$m.getOrDefault("b", 2)$m.values()$m.remove("a")$m.isEmpty()`, `true12[1]1true`},

	{`$util.escapeJavaScript("it's ""so"" é/")`, `it\'s \"so\" \u00E9\/`},
	{`$util.escapeJavaScript("it's").replaceAll("\\'", "'")`, `it's`},
	{`$util.parseJson('{"a":[1,{"b":2}]}').a[1].b`, `2`},
	{`$util.base64Encode("hello") $util.base64Decode('aGVsbG8=') $util.urlEncode("a b&c~*") $util.urlDecode('a+b%26')`, `aGVsbG8= hello a+b%26c%7E* a b&`},
	{`{"id":$input.json('$.id'),"by":"$context.connectionId"}`, `{"id":"user003","by":"O9iVddyboAMCJ1A="}`},
}

func TestTemplatesPrint(t *testing.T) {
	for _, test := range cases {
		template, err := Parse(test.template)
		if err != nil {
			t.Errorf("%s: %v", test.template, err)
			continue
		}
		got, err := template.Execute(variables())
		if err != nil || got != test.want {
			t.Errorf("%s\nprints %q (%v)\nwant   %q", test.template, got, err, test.want)
		}
	}
}

// A place is worked out for a mistake only: that of each reference would make the longest template take minutes.
func TestLongestTemplateIsParsed(t *testing.T) {
	if _, err := Parse(strings.Repeat("$a", maxTemplate/2)); err != nil {
		t.Error(err)
	}
}

func TestMistakesAreExplained(t *testing.T) {
	for _, test := range []struct{ template, want string }{
		{"a\n  #if(true)", "line 2, column 12: the #if before this has no #end"},
		{"#end", "#end without #if or #foreach"},
		{"#set($a 1)", "= must follow the variable of #set"},
		{"#set(a = 1)", "#set needs a variable"},
		{"#set($a.b() = 1)", "#set needs a variable"},
		{"#if true #end", "#if needs a parenthesis"},
		{"#foreach($a of $b)#end", "in must follow"},
		{"#foreach($a in $b)#else#end", "#else within #foreach"},
		{"#if(true)#else a #else b #end", "#else after #else"},
		{"$a.b(1", ") is missing"},
		{"$a.b('x", "not closed with '"},
		{"#macro(x)#end", "#macro is not supported"},
		{"#* x", "has no *#"},
		{"#[[ x", "has no ]]#"},
		{"#set($a = 99999999999999999999)", "is no number"},
		{strings.Repeat("#if(true)", 200), "nested more than 100 deep"},
		{"#set($a = " + strings.Repeat("(", 200) + "1", "nested more than 100 deep"},
		{"#set($a = " + strings.Repeat("1+", 200) + "1)", "more than 100 operators in a row"},
		{strings.Repeat("x", maxTemplate+1), "307200"},
		{"$name.explode()", "line 1, column 1: a text has no method explode with 0 arguments"},
		{"ä\n#set($a = \"ü $name.explode()\")", "line 2, column 14: a text has no method explode"},
		{"$name.substring(9)", "no part from 9"},
		{"$name.substring('a')", "argument 1 of substring must be an integer, and is a text"},
		{"$name.matches('(')", "regular expression"},
		{"$name.replaceAll('u', '$1')", "no group 1"},
		{"$util.exec('rm')", "$util has no method exec"},
		{"$util.parseJson('{')", "$util.parseJson"},
		{"$input.path('id')", "does not begin with $"},
		{"$input.path('$.quotes[?(@.price)]')", "not supported"},
		{"$input.headers", "$input has no member headers"},
		{"#if($name > 1)#end", "a text and a number cannot be compared"},
		{"#set($a = true * 2)", "* cannot be applied to a boolean and a number"},
		{"#set($name.x = 1)", "cannot be set"},
		{"#foreach($i in [1..2000])#end", "a range may have 1000 elements"},
		{"#foreach($a in 'text')#end", "#foreach goes over lists and maps"},
		{"#break", "#break outside of #foreach"},
	} {
		template, err := Parse(test.template)
		if err == nil {
			_, err = template.Execute(variables())
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60s: %v, want %q", test.template, err, test.want)
		}
	}
}

func TestRunsAreBounded(t *testing.T) {
	loop := func(inside string) string {
		return "#foreach($i in [1..1000])#foreach($j in [1..1000])" + inside + "#end#end"
	}
	for name, test := range map[string]struct{ template, want string }{
		"steps":       {loop("x"), "steps"},
		"output":      {"#set($s = 'xxxxxxxxxxxxxxxx')#foreach($i in [1..16])#set($s = $s + $s)#end" + loop("$s"), "prints more than"},
		"strings":     {"#set($s = 'x')" + loop("#set($s = $s + $s)"), "builds strings"},
		"replace":     {"#set($s = 'x')#foreach($i in [1..20])#set($s = $s + $s)#end$s.replace('', $s)", "builds strings"},
		"replaceAll":  {"#set($s = 'x')#foreach($i in [1..20])#set($s = $s + $s)#end$s.replaceAll('x', $s)", "builds strings"},
		"list":        {"#set($l = [1])" + loop("#set($x = $l.addAll($l))"), "builds strings"},
		"own element": {"#set($l = [])$l.add($l)$l", "nested more than 100 deep"},
		"twice":       {"#set($m = {})#set($m.a = $m)#set($m.b = $m)$m", "deep"},
		"wide":        {"#set($l = [1, 2])#foreach($i in [1..60])#set($l = [$l, $l])#end$l", "steps"},
	} {
		t.Run(name, func(t *testing.T) {
			template, err := Parse(test.template)
			if err == nil {
				_, err = template.Execute(nil)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func FuzzTemplate(f *testing.F) {
	for _, test := range cases {
		f.Add(test.template, message)
	}
	f.Fuzz(func(t *testing.T, template, body string) {
		parsed, err := Parse(template)
		if err != nil {
			return
		}
		v := variables()
		v["input"] = &Input{Body: body}
		parsed.Execute(v)
	})
}

func FuzzPath(f *testing.F) {
	for _, path := range []string{"$", "$.a.b", "$['a'][0]", "$..x", "$[*]", "$[1:2,3]", "$.a[-1]", `$["a","b"]`, "$[:]", "$..[0]"} {
		f.Add(message, path)
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		if v, err := FromJSON([]byte(text)); err == nil {
			Find(v, path)
		}
	})
}
