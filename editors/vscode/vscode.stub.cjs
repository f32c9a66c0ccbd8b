// As much of the editor's module "vscode" as the extension and its language client use, without an editor. What an
// extension hands to the editor, such as a provider or a message, is kept in `host`, and what an editor does is said there.
const path = require('node:path');
const { pathToFileURL, fileURLToPath } = require('node:url');

class EventEmitter {
  #listeners = new Set();
  event = (listener, self) => {
    const bound = self === undefined ? listener : listener.bind(self);
    this.#listeners.add(bound);
    return new Disposable(() => this.#listeners.delete(bound));
  };
  fire(event) {
    return Promise.all([...this.#listeners].map((listener) => listener(event)));
  }
  dispose() {
    this.#listeners.clear();
  }
}

class Disposable {
  constructor(dispose) {
    this.dispose = dispose;
  }
  static from(...all) {
    return new Disposable(() => all.forEach((d) => d.dispose()));
  }
}

class CancellationTokenSource {
  #emitter = new EventEmitter();
  token = { isCancellationRequested: false, onCancellationRequested: this.#emitter.event };
  cancel() {
    this.token.isCancellationRequested = true;
    this.#emitter.fire();
  }
  dispose() {}
}

class Uri {
  constructor(text) {
    const url = new URL(text);
    this.scheme = url.protocol.slice(0, -1);
    this.path = decodeURIComponent(url.pathname);
    this.fsPath = this.scheme === 'file' ? fileURLToPath(url) : this.path;
    this.text = text;
  }
  static parse = (text) => new Uri(text);
  static file = (name) => new Uri(pathToFileURL(name).href);
  toString() {
    return this.text;
  }
}

class Position {
  constructor(line, character) {
    Object.assign(this, { line, character });
  }
}

class Range {
  constructor(...ends) {
    [this.start, this.end] = ends.length === 4 ? [new Position(ends[0], ends[1]), new Position(ends[2], ends[3])] : ends;
  }
}

class Diagnostic {
  constructor(range, message, severity) {
    Object.assign(this, { range, message, severity });
  }
}

class CompletionItem {
  constructor(label, kind) {
    Object.assign(this, { label, kind });
  }
}

class MarkdownString {
  constructor(value = '') {
    this.value = value;
  }
  appendMarkdown(text) {
    this.value += text;
    return this;
  }
  appendCodeblock(text, language = '') {
    return this.appendMarkdown(`\n\`\`\`${language}\n${text}\n\`\`\`\n`);
  }
}

class Hover {
  constructor(contents, range) {
    Object.assign(this, { contents: [contents].flat(), range });
  }
}

class Location {
  constructor(uri, range) {
    Object.assign(this, { uri, range });
  }
}

class TextEdit {
  constructor(range, newText) {
    Object.assign(this, { range, newText });
  }
}

class WorkspaceEdit {
  edits = new Map();
  set(uri, edits) {
    this.edits.set(uri.toString(), edits.map((e) => (Array.isArray(e) ? e[0] : e)));
  }
}

class DocumentSymbol {
  constructor(name, detail, kind, range, selectionRange) {
    Object.assign(this, { name, detail, kind, range, selectionRange, children: [] });
  }
}

class Document {
  languageId = 'dply';
  version = 1;
  isClosed = false;
  constructor(name, text) {
    this.uri = Uri.file(name);
    this.fileName = name;
    this.text = text;
  }
  getText() {
    return this.text;
  }
}

const events = new Map();
// on is the event of that name, which host.does lets happen.
function on(name) {
  events.set(name, events.get(name) ?? new EventEmitter());
  return events.get(name).event;
}

const host = {
  Document,
  settings: {}, // by their whole names
  providers: {}, // by the end of their names: Hover, Completion
  commands: new Map(),
  errors: [], // that were shown
  diagnostics: new Map(), // by document
  diagnosed: new EventEmitter(),
  does: (event, value) => events.get(event)?.fire(value),
};

const known = {
  version: '1.91.0',
  EventEmitter, Disposable, CancellationTokenSource, Uri, Position, Range, Diagnostic, CompletionItem, MarkdownString, Hover, Location, TextEdit,
  WorkspaceEdit, DocumentSymbol,
  CancellationError: class extends Error {},
  env: { appName: 'stub', language: 'en', onDidChangeTelemetryEnabled: on('telemetry') },
  commands: {
    registerCommand(name, run) {
      host.commands.set(name, run);
      return new Disposable(() => host.commands.delete(name));
    },
    executeCommand: async (name, ...args) => host.commands.get(name)?.(...args),
  },
  languages: {
    match: (selector, document) => ([selector].flat().some((s) => s.language === document.languageId) ? 10 : 0),
    createDiagnosticCollection: () => ({
      set(uri, list) {
        host.diagnostics.set(uri.toString(), list);
        host.diagnosed.fire();
      },
      delete: (uri) => host.diagnostics.delete(uri.toString()),
      clear: () => host.diagnostics.clear(),
      dispose() {},
    }),
  },
  window: {
    visibleTextEditors: [],
    tabGroups: { all: [], onDidChangeTabs: on('tabs') },
    onDidChangeActiveTextEditor: on('activeEditor'),
    onDidChangeVisibleTextEditors: on('visibleEditors'),
    async showErrorMessage(text) {
      host.errors.push(text);
    },
    showWarningMessage: async () => {},
    showInformationMessage: async () => {},
    createOutputChannel: () => new Proxy({}, { get: (_, name) => (name === 'logLevel' ? 3 : () => new Disposable(() => {})) }),
    withProgress: (_, task) => task({ report() {} }, new CancellationTokenSource().token),
  },
  workspace: {
    textDocuments: [],
    notebookDocuments: [],
    workspaceFolders: undefined,
    getConfiguration: (section) => ({
      get: (name, otherwise) => host.settings[section ? `${section}.${name}` : name] ?? otherwise,
      inspect: () => undefined,
      has: () => false,
    }),
    applyEdit: async () => true,
    createFileSystemWatcher: () => ({ onDidCreate: on('create'), onDidChange: on('change'), onDidDelete: on('delete'), dispose() {} }),
  },
};

// rest has a member for every name: an event, a registration of a provider, or nothing in particular.
function rest(members) {
  return new Proxy(members, {
    get(all, name) {
      if (name in all || typeof name !== 'string') return all[name];
      if (/^on(Did|Will)/.test(name)) return on(name);
      const kind = /^register(.*?)(Edit|Item)?Provider$/.exec(name);
      if (kind) {
        return (_, provider) => {
          host.providers[kind[1]] = provider;
          return new Disposable(() => delete host.providers[kind[1]]);
        };
      }
      return undefined;
    },
  });
}

for (const name of ['env', 'languages', 'window', 'workspace']) {
  known[name] = rest(known[name]);
}

// Of what else the client names only, as an enumeration or to extend it, each is a class whose members are their own names.
const named = `CallHierarchyIncomingCall CallHierarchyItem CallHierarchyOutgoingCall CodeAction CodeActionKind CodeActionTriggerKind
  CodeLens Color ColorInformation ColorPresentation CompletionItemKind CompletionItemTag CompletionList CompletionTriggerKind
  DiagnosticRelatedInformation DiagnosticSeverity DiagnosticTag DocumentHighlight DocumentHighlightKind DocumentLink FileType
  FoldingRange FoldingRangeKind InlayHint InlayHintLabelPart InlineCompletionItem InlineCompletionList InlineCompletionTriggerKind
  InlineValueEvaluatableExpression InlineValueText InlineValueVariableLookup LinkedEditingRanges LogLevel NotebookCellKind
  ParameterInformation ProgressLocation RelativePattern SelectionRange SemanticTokens SemanticTokensEdit SemanticTokensEdits
  SignatureHelp SignatureHelpTriggerKind SignatureInformation SnippetString SnippetTextEdit SymbolInformation SymbolKind SymbolTag
  TabInputCustom TabInputNotebook TabInputText TabInputTextDiff TextDocumentSaveReason TypeHierarchyItem`;
for (const name of named.split(/\s+/)) {
  known[name] = new Proxy(class {}, { get: (c, member) => (member in c || typeof member !== 'string' ? c[member] : member) });
}

module.exports = { ...known, host };
