// What the grammar makes of a file, with and without the HCL grammar of others.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(import.meta.url);
const oniguruma = require("vscode-oniguruma");
const textmate = require("vscode-textmate");

const read = (path) => readFileSync(path, "utf8");
const own = new URL("../syntaxes/gantry.tmLanguage.json", import.meta.url);

async function load(withHCL) {
  const wasm = readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength)).catch(() => {});
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (scope) => {
      if (scope === "source.gantry") {
        return textmate.parseRawGrammar(read(own), "gantry.json");
      }
      if (scope === "source.hcl" && withHCL) {
        return textmate.parseRawGrammar(read(require.resolve("tm-grammars/grammars/hcl.json")), "hcl.json");
      }
      return null;
    },
  });
  return registry.loadGrammar("source.gantry");
}

// tokens returns what each piece of a text is: its innermost scope.
function tokens(grammar, text) {
  const found = [];
  let stack = textmate.INITIAL;
  for (const line of text.split("\n")) {
    const result = grammar.tokenizeLine(line, stack);
    stack = result.ruleStack;
    for (const token of result.tokens) {
      const piece = line.slice(token.startIndex, token.endIndex);
      if (piece.trim() !== "") {
        found.push([piece.trim(), token.scopes.at(-1).split(" ").at(-1)]);
      }
    }
  }
  return { found, depth: stack.depth };
}

const cases = [
  ["# text", [["#", "punctuation.definition.comment.hcl"], ["text", "comment.line.number-sign.hcl"]]],
  [
    'generator "git" "overlays" {\n}',
    [
      ["generator", "entity.name.type.hcl"],
      ['"git"', "string.quoted.double.hcl"],
      ['"overlays"', "string.quoted.double.hcl"],
      ["{", "punctuation.section.block.begin.hcl"],
      ["}", "punctuation.section.block.end.hcl"],
    ],
  ],
  [
    "locals {\n  a = local.b.c\n}",
    [
      ["locals", "entity.name.type.hcl"],
      ["{", "punctuation.section.block.begin.hcl"],
      ["a", "variable.other.readwrite.hcl"],
      ["=", "keyword.operator.assignment.hcl"],
      ["local", "variable.language.gantry"],
      [".", "keyword.operator.accessor.hcl"],
      ["b", "variable.other.member.hcl"],
      [".", "keyword.operator.accessor.hcl"],
      ["c", "variable.other.member.hcl"],
      ["}", "punctuation.section.block.end.hcl"],
    ],
  ],
  [
    'a = "x-${each.key}\\n"',
    [
      ["a", "variable.other.readwrite.hcl"],
      ["=", "keyword.operator.assignment.hcl"],
      ['"', "punctuation.definition.string.begin.hcl"],
      ["x-", "string.quoted.double.hcl"],
      ["${", "keyword.other.interpolation.begin.hcl"],
      ["each", "variable.language.gantry"],
      [".", "keyword.operator.accessor.hcl"],
      ["key", "variable.other.member.hcl"],
      ["}", "keyword.other.interpolation.end.hcl"],
      ["\\n", "constant.character.escape.hcl"],
      ['"', "punctuation.definition.string.end.hcl"],
    ],
  ],
  [
    "a = { b = 1, for-x = true }",
    [
      ["a", "variable.other.readwrite.hcl"],
      ["=", "keyword.operator.assignment.hcl"],
      ["{", "punctuation.section.braces.begin.hcl"],
      ["b", "variable.other.readwrite.hcl"],
      ["=", "keyword.operator.hcl"],
      ["1", "constant.numeric.hcl"],
      [",", "punctuation.separator.hcl"],
      ["for-x", "variable.other.readwrite.hcl"],
      ["=", "keyword.operator.hcl"],
      ["true", "constant.language.hcl"],
      ["}", "punctuation.section.braces.end.hcl"],
    ],
  ],
  [
    "a = [for x in var.y : fn::z(x)...]",
    [
      ["a", "variable.other.readwrite.hcl"],
      ["=", "keyword.operator.assignment.hcl"],
      ["[", "punctuation.section.brackets.begin.hcl"],
      ["for", "keyword.control.hcl"],
      ["x", "variable.other.readwrite.hcl"],
      ["in", "keyword.control.hcl"],
      ["var", "variable.language.gantry"],
      [".", "keyword.operator.accessor.hcl"],
      ["y", "variable.other.member.hcl"],
      [":", "keyword.operator.hcl"],
      ["fn::z", "support.function.builtin.hcl"],
      ["(", "punctuation.section.parens.begin.hcl"],
      ["x", "variable.other.readwrite.hcl"],
      [")", "punctuation.section.parens.end.hcl"],
      ["...", "keyword.operator.hcl"],
      ["]", "punctuation.section.brackets.end.hcl"],
    ],
  ],
  [
    "a = <<-EOT\n  text ${x} { [\n  EOT\nb = 1",
    [
      ["a", "variable.other.readwrite.hcl"],
      ["=", "keyword.operator.assignment.hcl"],
      ["<<-", "keyword.operator.heredoc.hcl"],
      ["EOT", "keyword.control.heredoc.hcl"],
      ["text", "string.unquoted.heredoc.hcl"],
      ["${", "keyword.other.interpolation.begin.hcl"],
      ["x", "variable.other.readwrite.hcl"],
      ["}", "keyword.other.interpolation.end.hcl"],
      ["{ [", "string.unquoted.heredoc.hcl"],
      ["EOT", "keyword.control.heredoc.hcl"],
      ["b", "variable.other.readwrite.hcl"],
      ["=", "keyword.operator.assignment.hcl"],
      ["1", "constant.numeric.hcl"],
    ],
  ],
];

for (const withHCL of [false, true]) {
  test(`tokens ${withHCL ? "with" : "without"} the HCL grammar`, async () => {
    const grammar = await load(withHCL);
    for (const [text, want] of cases) {
      const { found, depth } = tokens(grammar, text);
      assert.deepEqual(found, want, text);
      assert.equal(depth, 1, `${text}: something stays open`);
    }
  });

  test(`whole files ${withHCL ? "with" : "without"} the HCL grammar`, async () => {
    const grammar = await load(withHCL);
    for (const file of (process.env.GANTRY_EXAMPLES ?? "").split(":").filter((name) => name !== "")) {
      assert.equal(tokens(grammar, read(file)).depth, 1, `${file}: something stays open at its end`);
    }
  });
}
