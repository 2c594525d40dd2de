// The extension starts `gantry lsp` and leaves the rest to it.

import * as vscode from "vscode";
import { LanguageClient, LanguageClientOptions, ServerOptions, TransportKind } from "vscode-languageclient/node";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel("Gantry", { log: true });
  context.subscriptions.push(
    output,
    vscode.commands.registerCommand("gantry.restart", () => restart(output)),
    vscode.commands.registerCommand("gantry.showOutput", () => output.show()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => restart(output)),
    vscode.workspace.onDidChangeConfiguration((event) =>
      event.affectsConfiguration("gantry.path") ? restart(output) : undefined,
    ),
  );
  await start(output);
}

export async function deactivate(): Promise<void> {
  await stop();
}

async function restart(output: vscode.LogOutputChannel): Promise<void> {
  await stop();
  await start(output);
}

async function stop(): Promise<void> {
  const ending = client;
  client = undefined;
  await ending?.stop();
}

// start starts the server. What keeps it from starting is said once, with what helps.
async function start(output: vscode.LogOutputChannel): Promise<void> {
  if (!vscode.workspace.isTrusted) {
    return; // onDidGrantWorkspaceTrust starts it
  }
  const command = vscode.workspace.getConfiguration("gantry").get<string>("path") || "gantry";
  const server: ServerOptions = { command, args: ["lsp"], transport: TransportKind.stdio };
  const options: LanguageClientOptions = {
    documentSelector: [
      { scheme: "file", language: "gantry" },
      { scheme: "file", pattern: "**/*.gantry.json" },
    ],
    outputChannel: output,
  };
  const starting = new LanguageClient("gantry", "Gantry", server, options);
  client = starting;
  try {
    await starting.start();
  } catch (error) {
    output.error(`${command} lsp: ${error instanceof Error ? error.message : String(error)}`);
    const settings = "Open Settings";
    const chosen = await vscode.window.showErrorMessage(
      `The language server of Gantry could not be started as "${command} lsp". Install gantry, or set gantry.path.`,
      settings,
    );
    if (chosen === settings) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "gantry.path");
    }
  }
}
