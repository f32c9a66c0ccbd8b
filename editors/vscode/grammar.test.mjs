// The grammar, as the editor runs it: with the tokenizer and the regular expressions of Visual Studio Code.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const require = createRequire(import.meta.url);
const { loadWASM, OnigScanner, OnigString } = require('vscode-oniguruma');
const { Registry, parseRawGrammar, INITIAL } = require('vscode-textmate');

const here = (name) => new URL(name, import.meta.url);
const grammar = await (async () => {
  await loadWASM(readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm')));
  const registry = new Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new OnigScanner(patterns),
      createOnigString: (text) => new OnigString(text),
    }),
    loadGrammar: async (scope) => {
      if (scope === 'text.html.markdown') return { scopeName: scope, patterns: [], repository: {} }; // the editor has it
      const path = here('syntaxes/dply.tmLanguage.json');
      return parseRawGrammar(readFileSync(path, 'utf8'), path.pathname);
    },
  });
  return registry.loadGrammar('source.dply');
})();

// scopes tokenizes a script and returns, for each line, its words with the innermost scope that each has.
function scopes(script) {
  let state = INITIAL;
  return script.split('\n').map((line) => {
    const result = grammar.tokenizeLine(line, state);
    state = result.ruleStack;
    const words = [];
    let end = -1; // of the last word
    for (const t of result.tokens) {
      const text = line.slice(t.startIndex, t.endIndex);
      const scope = t.scopes.at(-1).replace(/\.dply$/, '');
      if (text.trim() === '') continue;
      if (t.startIndex === end && scope === words.at(-1)[1]) {
        words.at(-1)[0] += text; // a string and its quotes
      } else {
        words.push([text.trim(), scope]);
      }
      end = t.endIndex;
    }
    return words;
  });
}

test('prose is prose until an indented line', () => {
  const lines = scopes('Where prices are kept\n\nensure nothing "here"\n    target t\nprose again');
  for (const at of [0, 2, 4]) {
    assert.deepEqual(lines[at].map(([, scope]) => scope), ['text.prose'], `line ${at + 1}`);
  }
  assert.deepEqual(lines[3], [['target', 'keyword.control.target'], ['t', 'entity.name.section']]);
});

test('a statement has a verb, a type, a name and a variable', () => {
  assert.deepEqual(scopes('        ensure aws.S3.Bucket "code" => bucket // a comment')[0], [
    ['ensure', 'keyword.control.verb'],
    ['aws.S3.Bucket', 'entity.name.type'],
    ['"code"', 'string.quoted.double'],
    ['=>', 'keyword.operator.binding'],
    ['bucket', 'variable.other.definition'],
    ['// a comment', 'comment.line.double-slash'],
  ]);
});

test('properties, adverbs, members and numbers', () => {
  assert.deepEqual(scopes('            Uri <- watchNext->arn')[0], [
    ['Uri', 'variable.other.property'],
    ['<-', 'keyword.operator.assignment'],
    ['watchNext', 'variable.other'],
    ['->', 'keyword.operator.member'],
    ['arn', 'variable.other.member'],
  ]);
  assert.deepEqual(scopes('            Vpc <= aws.VPC.Config')[0].at(-1), ['aws.VPC.Config', 'entity.name.type']);
  assert.deepEqual(scopes('            @teardown delete')[0][0], ['@teardown', 'storage.modifier.adverb']);
  assert.deepEqual(scopes('            MaxAge <- 24 hours')[0].slice(2), [['24', 'constant.numeric'], ['hours', 'keyword.operator.word']]);
  assert.deepEqual(scopes('            allow "s3:GetObject" (code->allResources)')[0][0], ['allow', 'keyword.other.command']);
});

test('parameters, and the names in a template', () => {
  assert.deepEqual(scopes('    parameter stage <- "blue"')[0], [
    ['parameter', 'keyword.control.parameter'],
    ['stage', 'variable.other.definition'],
    ['<-', 'keyword.operator.assignment'],
    ['"blue"', 'string.quoted.double'],
  ]);
  assert.deepEqual(scopes('        show `{{a}} {stage}/{code->arn}``` done')[0].slice(1), [
    ['`', 'string.interpolated'],
    ['{{', 'constant.character.escape'],
    ['a', 'string.interpolated'],
    ['}}', 'constant.character.escape'],
    ['{', 'punctuation.section.interpolation.begin'],
    ['stage', 'variable.other'],
    ['}', 'punctuation.section.interpolation.end'],
    ['/', 'string.interpolated'],
    ['{', 'punctuation.section.interpolation.begin'],
    ['code', 'variable.other'],
    ['->', 'keyword.operator.member'],
    ['arn', 'variable.other.member'],
    ['}', 'punctuation.section.interpolation.end'],
    ['``', 'constant.character.escape'],
    ['`', 'string.interpolated'],
    ['done', 'variable.other'],
  ]);
});

test('a doubled quote does not end a string, and the end of a line does', () => {
  const lines = scopes('        show "a ""b"" c" done\n        show "open\n        show end');
  assert.equal(lines[0].filter(([, scope]) => scope.startsWith('string') || scope.startsWith('constant.character')).map(([text]) => text).join(''), '"a ""b""c"');
  assert.deepEqual(lines[0].at(-1), ['done', 'variable.other']);
  assert.deepEqual(lines[2][0], ['show', 'keyword.control.verb']);
});

test("every word of the product's script has a scope", () => {
  scopes(readFileSync(here('../../infrastructure.dply'), 'utf8')).forEach((line, i) => {
    for (const [text, scope] of line) {
      assert.notEqual(scope, 'source', `line ${i + 1}: ${text} has none`);
    }
  });
});
