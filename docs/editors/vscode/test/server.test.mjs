// The language server and the client library that the extension is built on.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const rpc = require("vscode-jsonrpc/node");

const program = process.env.GANTRY_BINARY;

test("the server talks with vscode-jsonrpc", { skip: program ? false : "GANTRY_BINARY names no program" }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-"));
  const server = spawn(program, ["lsp", "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => server.on("exit", resolve));
  const connection = rpc.createMessageConnection(
    new rpc.StreamMessageReader(server.stdout),
    new rpc.StreamMessageWriter(server.stdin),
  );
  try {
    const published = [];
    let arrived = () => {};
    connection.onNotification("textDocument/publishDiagnostics", (params) => {
      published.push(params);
      arrived();
    });
    connection.listen();
    const rootUri = pathToFileURL(folder).href;
    const { capabilities } = await connection.sendRequest("initialize", {
      processId: process.pid,
      rootUri,
      capabilities: {},
      workspaceFolders: [{ uri: rootUri, name: "test" }],
    });
    assert.equal(capabilities.positionEncoding, "utf-16");
    await connection.sendNotification("initialized", {});

    const file = join(folder, "a.gantry.hcl");
    const uri = pathToFileURL(file).href;
    writeFileSync(file, "");
    const next = new Promise((resolve) => (arrived = resolve));
    await connection.sendNotification("textDocument/didOpen", {
      textDocument: { uri, languageId: "gantry", version: 1, text: "locals {\n  😀ä = 1\n  a = local.\n}\n" },
    });
    await next;
    assert.equal(published[0].uri, uri);
    assert.ok(published[0].diagnostics.length > 0);

    const completed = await connection.sendRequest("textDocument/completion", {
      textDocument: { uri },
      position: { line: 2, character: "  a = local.".length },
    });
    assert.ok(Array.isArray(completed.items));

    await connection.sendRequest("shutdown");
    await connection.sendNotification("exit");
    assert.equal(await ended, 0);
  } finally {
    connection.dispose();
    server.kill();
    rmSync(folder, { recursive: true });
  }
});
