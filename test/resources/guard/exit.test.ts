import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { releaseAtExit } from '../../../src/resources/guard/exit.js';

const source = fileURLToPath(new URL('../../../src/resources/guard/exit.ts', import.meta.url));
const bundle = await build({
  entryPoints: [source],
  bundle: true,
  write: false,
  platform: 'node',
  format: 'cjs',
});
const copy = JSON.stringify(bundle.outputFiles[0]?.text);

/** Runs a program with two copies of the package, and returns what it said and how it ended. */
function run(program: string): { said: readonly string[]; status: number | null } {
  const load = `const load = () => { const module = { exports: {} }; new Function('module', 'exports', 'require', ${copy})(module, module.exports, require); return module.exports.releaseAtExit; };`;
  const say = `const say = (what) => require('node:fs').writeSync(1, what + '\\n');`;
  const text = `${load} ${say} const one = load(), two = load(); ${program}`;
  const { stdout, status } = spawnSync(process.execPath, ['-e', text], { encoding: 'utf8' });
  return { said: stdout.trim().split('\n'), status };
}

test('there is one listener while there is something to release, and none after that', () => {
  const before = process.listenerCount('exit');
  const [first, second] = [releaseAtExit(() => {}), releaseAtExit(() => {})];
  expect(process.listenerCount('exit')).toBe(before + 1);
  first();
  first();
  expect(process.listenerCount('exit')).toBe(before + 1);
  second();
  expect(process.listenerCount('exit')).toBe(before);
  expect(Object.getOwnPropertySymbols(globalThis)).not.toContain(Symbol.for('treewarden/exit/1'));
});

test('both copies of the package share it, last in first out, past one that throws, before a listener that throws', () => {
  const { said, status } = run(`
    process.on('exit', () => { throw new Error('from a listener'); });
    one(() => say('first'));
    two(() => { throw new Error('from a release'); });
    one(() => say('last'));
    say(process.listenerCount('exit'));
    process.exit(3);
  `);
  expect(said).toEqual(['2', 'last', 'first']);
  expect(status).not.toBe(0);
});

test.for([
  ['at the end of the program', '', 0],
  ['at process.exit', 'process.exit(5);', 5],
  ['at an uncaught exception', `throw new Error('x');`, 1],
  ['at an unhandled rejection', `Promise.reject(new Error('x'));`, 1],
] as const)('it is called %s, and leaves the exit code as it is', ([, end, code]) => {
  expect(run(`one(() => say('released')); ${end}`)).toEqual({ said: ['released'], status: code });
});

test('what was taken away is not called', () => {
  expect(run(`one(() => say('wrong'))(); two(() => say('right'));`).said).toEqual(['right']);
});
