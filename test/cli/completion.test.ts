// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are the shell's.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands/index.js';
import { bashCompletion } from '../../src/cli/completion/bash.js';
import { fishCompletion } from '../../src/cli/completion/fish.js';
import { zshCompletion } from '../../src/cli/completion/zsh.js';

/** What bash offers for a line; a stand-in for the program answers what it is asked for names. */
function offered(...line: readonly string[]): readonly string[] {
  const script = [
    'treewarden() { case "$*" in "trees --names") echo shop; echo bank ;; "status --paths --tree bank") echo teller ;; "status --paths") echo mail; echo workers/hash ;; esac; }',
    ...bashCompletion(COMMANDS),
    'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _treewarden 2>/dev/null; printf "%s\\n" "${COMPREPLY[@]}"',
  ];
  const { stdout } = spawnSync('bash', ['-c', script.join('\n'), 'bash', 'treewarden', ...line], {
    encoding: 'utf8',
  });
  return stdout.split('\n').filter((it) => it !== '');
}

test('bash completes commands, options, children, trees, signals and words', () => {
  expect(offered('re')).toEqual(['restart', 'reload', 'reclaim']);
  expect(offered('status', '--j')).toEqual(['--json']);
  expect(offered('down', '')).toEqual(['mail', 'workers/hash']);
  expect(offered('down', 'mail', 'w')).toEqual(['workers/hash']);
  expect(offered('down', '--tree', '')).toEqual(['shop', 'bank']);
  expect(offered('down', '--tree', 'bank', '')).toEqual(['teller']);
  expect(offered('signal', 'US')).toEqual(['USR1', 'USR2']);
  expect(offered('signal', 'HUP', 'm')).toEqual(['mail']);
  expect(offered('run', '--restart', 'te')).toEqual(['temporary']);
  expect(offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
});

/** What a shell says of a script that it reads and does not run. */
function complaintOf(shell: string, script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'treewarden-completion-'));
  try {
    writeFileSync(join(folder, 'script'), script);
    return spawnSync(shell, ['-n', join(folder, 'script')], { encoding: 'utf8' }).stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

test.each([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
] as const)(
  'the script for %s is one that it can read, where it is installed, and knows every command',
  (shell, script) => {
    const text = script(COMMANDS).join('\n');
    for (const { name } of COMMANDS) expect(text).toContain(name);
    if (has(shell)) expect(complaintOf(shell, text)).toBe('');
  },
);
