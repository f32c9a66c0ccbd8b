// The real server, over the message layer that the editor's client is built on: what the extension starts is what answers.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';

const require = createRequire(import.meta.url);
const lsp = require('vscode-languageserver-protocol/node');

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'quotewire-vscode-'));
after(() => rmSync(folder, { recursive: true }));

const [name, ...args] = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')).contributes.configuration
  .properties['dply.command'].default;
execFileSync('go', ['build', '-o', join(folder, name), './cmd/quotewire'], { cwd: root, stdio: 'inherit' });

const uri = 'file:///infrastructure.dply';
const script = readFileSync(join(root, 'infrastructure.dply'), 'utf8');

// connect starts the server and opens a text.
async function connect(text) {
  const server = spawn(join(folder, name), args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const connection = lsp.createProtocolConnection(
    new lsp.StreamMessageReader(server.stdout),
    new lsp.StreamMessageWriter(server.stdin),
  );
  const diagnosed = new Promise((resolve) => connection.onNotification(lsp.PublishDiagnosticsNotification.type, resolve));
  connection.listen();
  const { capabilities } = await connection.sendRequest(lsp.InitializeRequest.type, { processId: process.pid, rootUri: null, capabilities: {} });
  await connection.sendNotification(lsp.InitializedNotification.type, {});
  await connection.sendNotification(lsp.DidOpenTextDocumentNotification.type, { textDocument: { uri, languageId: 'dply', version: 1, text } });
  return {
    capabilities,
    diagnosed,
    ask: (type, params) => connection.sendRequest(type, { textDocument: { uri }, ...params }),
    async close() {
      const gone = new Promise((resolve) => server.once('exit', resolve));
      await connection.sendRequest(lsp.ShutdownRequest.type);
      await connection.sendNotification(lsp.ExitNotification.type);
      assert.equal(await gone, 0, 'the server leaves in peace');
      connection.dispose();
    },
  };
}

// place is the position behind the first appearance of a text.
function place(text, behind) {
  const lines = text.slice(0, text.indexOf(behind) + behind.length).split('\n');
  return { line: lines.length - 1, character: lines.at(-1).length };
}

test('the server does what the extension promises', async () => {
  const editor = await connect(script);
  for (const provider of ['completionProvider', 'hoverProvider', 'definitionProvider', 'renameProvider', 'documentFormattingProvider', 'documentSymbolProvider']) {
    assert.ok(editor.capabilities[provider], provider);
  }
  assert.deepEqual((await editor.diagnosed).diagnostics, [], "the project's own script has no mistakes");

  const hover = await editor.ask(lsp.HoverRequest.type, { position: place(script, 'MemorySi') });
  assert.match(hover.contents.value, /Memory in MB/);

  const offered = await editor.ask(lsp.CompletionRequest.type, { position: place(script, 'allow "dynamodb:BatchGetItem" (prices->') });
  assert.deepEqual(offered.map((item) => item.label).filter((label) => label === 'arn'), ['arn']);

  const definition = await editor.ask(lsp.DefinitionRequest.type, { position: place(script, 'Uri <- watchNe') });
  assert.equal(script.split('\n')[definition.range.start.line], '        find aws.Lambda.Alias "next" => watchNext');

  const renamed = await editor.ask(lsp.RenameRequest.type, { position: place(script, 'Uri <- watchNe'), newName: 'current' });
  assert.equal(renamed.changes[uri].length, script.split('watchNext').length - 1);

  assert.deepEqual(await editor.ask(lsp.DocumentFormattingRequest.type, { options: { tabSize: 4, insertSpaces: true } }), []);
  const [parameter, target] = await editor.ask(lsp.DocumentSymbolRequest.type, {});
  assert.equal(parameter.name, 'bucket');
  assert.ok(target.children.some((s) => s.name.startsWith('lambda.function')));
  await editor.close();
});

test('mistakes reach the editor with their place', async () => {
  const editor = await connect('    target t\n        ensure aws.S3.Bukket "x"\n');
  const { diagnostics } = await editor.diagnosed;
  assert.equal(diagnostics.length, 1);
  assert.equal(diagnostics[0].code, 'E32');
  assert.deepEqual(diagnostics[0].range, { start: { line: 1, character: 15 }, end: { line: 1, character: 28 } });
  await editor.close();
});
