// The extension as it is packed, activated as the editor activates it: its own client, the real server, and a stub in the
// place of the editor itself.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';

const require = createRequire(import.meta.url);
const vscode = require('./vscode.stub.cjs');
const resolve = Module._resolveFilename;
Module._resolveFilename = (name, ...rest) => (name === 'vscode' ? require.resolve('./vscode.stub.cjs') : resolve(name, ...rest));
const { host } = vscode;

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'quotewire-vscode-'));
after(() => rmSync(folder, { recursive: true }));
const server = join(folder, 'quotewire');
execFileSync('go', ['build', '-o', server, './cmd/quotewire'], { cwd: root, stdio: 'inherit' });

const script = readFileSync(join(root, 'infrastructure.dply'), 'utf8');
const nobody = new vscode.CancellationTokenSource().token;

// diagnosed waits until the diagnostics of a document are such.
async function diagnosed(document, such) {
  for (;;) {
    const list = host.diagnostics.get(document.uri.toString());
    if (list && such(list)) return list;
    await new Promise((next) => {
      const once = host.diagnosed.event(() => {
        once.dispose();
        next();
      });
    });
  }
}

function place(text, behind) {
  const lines = text.slice(0, text.indexOf(behind) + behind.length).split('\n');
  return new vscode.Position(lines.length - 1, lines.at(-1).length);
}

async function activate(command) {
  host.settings['dply.command'] = command;
  const extension = require('./dist/extension.js');
  const context = { subscriptions: [] };
  await extension.activate(context);
  return async () => {
    await extension.deactivate();
    context.subscriptions.forEach((s) => s.dispose());
  };
}

test('the extension brings the language into the editor', { timeout: 60_000 }, async () => {
  const document = new host.Document(join(folder, 'infrastructure.dply'), script);
  vscode.workspace.textDocuments.push(document);
  const leave = await activate([server, 'lsp']);
  assert.deepEqual(host.errors, []);
  await diagnosed(document, (list) => list.length === 0);

  const hover = await host.providers.Hover.provideHover(document, place(script, 'MemorySi'), nobody);
  assert.match(hover.contents[0].value, /Memory in MB/);
  const offered = await host.providers.Completion.provideCompletionItems(document, place(script, 'allow "dynamodb:BatchGetItem" (prices->'), nobody, {});
  assert.ok((offered.items ?? offered).some((item) => item.label === 'arn'));
  const definition = await host.providers.Definition.provideDefinition(document, place(script, 'Uri <- watchNe'), nobody);
  assert.equal(script.split('\n')[definition.range.start.line], '        find aws.Lambda.Alias "next" => watchNext');
  const renamed = await host.providers.Rename.provideRenameEdits(document, place(script, 'Uri <- watchNe'), 'current', nobody);
  assert.equal(renamed.edits.get(document.uri.toString()).length, script.split('watchNext').length - 1);
  assert.deepEqual(await host.providers.DocumentFormatting.provideDocumentFormattingEdits(document, { tabSize: 4, insertSpaces: true }, nobody), []);
  const symbols = await host.providers.DocumentSymbol.provideDocumentSymbols(document, nobody);
  assert.equal(symbols[0].name, 'bucket');

  document.text = script.replace('lambda.function', 'lambda.functio');
  document.version++;
  await host.does('onDidChangeTextDocument', { document, contentChanges: [{ text: document.text }] });
  const [wrong] = await diagnosed(document, (list) => list.length > 0);
  assert.equal(wrong.code, 'E27');
  assert.equal(document.text.split('\n')[wrong.range.start.line].slice(wrong.range.start.character, wrong.range.end.character), 'lambda.functio');

  host.diagnostics.clear();
  await host.commands.get('dply.restart')();
  await diagnosed(document, (list) => list[0]?.code === 'E27'); // the new server was told what is open
  vscode.workspace.textDocuments.pop();
  await leave();
  assert.equal(host.commands.size, 0);
});

test('a server that is not there is said, and found when the settings say where', { timeout: 60_000 }, async () => {
  const document = new host.Document(join(folder, 'wrong.dply'), '    target t\n        shwo 1\n');
  vscode.workspace.textDocuments.push(document);
  const leave = await activate([join(folder, 'nobody'), 'lsp']);
  assert.match(host.errors.join('\n'), /did not start.*Install quotewire, or say in dply\.command/);
  host.settings['dply.command'] = [server, 'lsp'];
  await host.does('onDidChangeConfiguration', { affectsConfiguration: (section) => section === 'dply.command' });
  await diagnosed(document, (list) => list[0]?.code === 'E27');
  await leave();
});
