// The editor's side of `quotewire lsp`: it starts the server for .dply files and stops it with the window. Everything that
// knows the language is in the server.
const vscode = require('vscode');
const { LanguageClient, TransportKind } = require('vscode-languageclient/node');

let client;

async function start() {
  const [command, ...args] = vscode.workspace.getConfiguration('dply').get('command');
  const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  client = new LanguageClient(
    'dply',
    'dply',
    { command, args, options: { cwd }, transport: TransportKind.stdio },
    { documentSelector: [{ language: 'dply' }] },
  );
  try {
    await client.start();
  } catch (error) {
    const settings = 'Open settings';
    const chosen = await vscode.window.showErrorMessage(
      `The language server "${[command, ...args].join(' ')}" did not start: ${error.message ?? error}. ` +
        'Install quotewire, or say in dply.command how to run it.',
      settings,
    );
    if (chosen === settings) {
      await vscode.commands.executeCommand('workbench.action.openSettings', 'dply.command');
    }
  }
}

async function stop() {
  const running = client;
  client = undefined;
  if (running?.isRunning()) {
    await running.stop();
  }
}

exports.activate = async (context) => {
  context.subscriptions.push(
    vscode.commands.registerCommand('dply.restart', async () => {
      await stop();
      await start();
    }),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration('dply.command')) {
        await stop();
        await start();
      }
    }),
  );
  await start();
};

exports.deactivate = stop;
