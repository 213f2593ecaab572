import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';
import type { Block } from './blocks.js';

/** Compiles each block as a module of its own, and returns its errors at their lines in the page. */
export function errorsByBlock(blocks: readonly Block[], folder: string, root: string): readonly string[] {
  const byFile = new Map(blocks.map((block, nth) => [writeBlock(block, nth, folder), block]));
  const program = ts.createProgram([...byFile.keys()], optionsOf(root));
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const block = diagnostic.file && byFile.get(diagnostic.file.fileName);
    return block === undefined ? describe(diagnostic) : describeIn(block, diagnostic, linesBefore(block));
  });
}

/** Parses a JavaScript block without running it. */
export function syntaxErrors(block: Block): readonly string[] {
  const fileName = block.language === 'cjs' ? 'block.cjs' : 'block.mjs';
  const { diagnostics = [] } = ts.transpileModule(block.code, {
    fileName,
    reportDiagnostics: true,
    compilerOptions: { allowJs: true, module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext },
  });
  return diagnostics.map((diagnostic) => describeIn(block, diagnostic, 0));
}

function writeBlock({ given, code }: Block, nth: number, folder: string): string {
  const file = join(folder, `block-${nth}.ts`).replaceAll('\\', '/');
  writeFileSync(file, given === '' ? `${code}\n` : `${given}\n${code}\n`);
  return file;
}

function linesBefore({ given }: Block): number {
  return given === '' ? 0 : given.split('\n').length;
}

/** The project's own options, without what only makes sense for its own files. */
function optionsOf(root: string): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  return { ...options, noUnusedLocals: false, noUnusedParameters: false };
}

function describeIn({ page, line }: Block, diagnostic: ts.Diagnostic, skipped: number): string {
  const at = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0;
  return `${page}:${line + at - skipped}: ${textOf(diagnostic)}`;
}

function describe(diagnostic: ts.Diagnostic): string {
  return `${basename(diagnostic.file?.fileName ?? 'program')}: ${textOf(diagnostic)}`;
}

function textOf({ messageText }: ts.Diagnostic): string {
  return ts.flattenDiagnosticMessageText(messageText, ' ');
}
