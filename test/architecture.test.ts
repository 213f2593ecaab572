import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { breaches, cycles } from './architecture/check.js';
import { HOUSE } from './architecture/house.js';
import type { Source } from './architecture/inspect.js';

const src = fileURLToPath(new URL('../src', import.meta.url));

function sourcesBelow(folder: string): readonly Source[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ path: name.split(sep).join('/'), text: readFileSync(join(folder, name), 'utf8') }));
}

describe('the house', () => {
  test('every file in src/ keeps to the plan', () => {
    expect(breaches(sourcesBelow(src), HOUSE)).toEqual([]);
  });

  test('the plan itself has no circle', () => {
    const graph = new Map(Object.entries(HOUSE.rooms).map(([room, { imports }]) => [room, new Set(imports)]));
    expect(cycles(graph)).toEqual([]);
  });

  test('the five middle rooms never import each other', () => {
    const middle = ['children', 'resources', 'signals', 'pool', 'boot'];
    for (const room of middle) {
      expect(HOUSE.rooms[room]?.imports.filter((there) => middle.includes(there))).toEqual([]);
    }
  });
});

describe('each rule can fail', () => {
  const cases: readonly (readonly [rule: string, path: string, text: string, breach: RegExp])[] = [
    [
      'core imports no room',
      'core/a.ts',
      `import { x } from '../runtime/index.js';`,
      /core may not import runtime/,
    ],
    [
      'core imports nothing from Node',
      'core/a.ts',
      `import { x } from 'node:path';`,
      /core imports nothing from Node/,
    ],
    [
      'core imports no package',
      'core/a.ts',
      `import x from 'eventemitter3';`,
      /"eventemitter3" stays in runtime/,
    ],
    [
      'types count as imports',
      'core/a.ts',
      `import type { X } from '../runtime/index.js';`,
      /core may not import/,
    ],
    [
      'import types count',
      'core/a.ts',
      `let x: import('../runtime/index.js').X;`,
      /core may not import runtime/,
    ],
    ['re-exports count', 'core/a.ts', `export * from '../runtime/index.js';`, /core may not import runtime/],
    [
      'dynamic imports count',
      'core/a.ts',
      `await import('../runtime/index.js');`,
      /core may not import runtime/,
    ],
    ['require counts', 'core/a.ts', `require('../runtime/index.js');`, /core may not import runtime/],
    [
      'arrows point one way',
      'runtime/a.ts',
      `import '../children/index.js';`,
      /runtime may not import children/,
    ],
    [
      'middle rooms never meet',
      'pool/a.ts',
      `import '../children/index.js';`,
      /pool may not import children/,
    ],
    [
      'testing stays with core and runtime',
      'testing/a.ts',
      `import '../app/index.js';`,
      /testing may not import app/,
    ],
    ['cli speaks to control', 'cli/a.ts', `import '../runtime/index.js';`, /cli may not import runtime/],
    [
      'adapters import the surface',
      'adapters/a.ts',
      `import '../runtime/index.js';`,
      /adapters may not import runtime/,
    ],
    ['the front door has no shell', 'app/a.ts', `import '../cli/index.js';`, /app may not import cli/],
    ['rooms are entered by the door', 'runtime/a.ts', `import '../core/spec.js';`, /behind the door of core/],
    ['hooks are no door', 'app/a.ts', `import '../children/hooks.js';`, /behind the door of children/],
    ['the surface uses doors too', 'index.ts', `export * from './core/spec.js';`, /behind the door of core/],
    ['the surface has no Node in it', 'index.ts', `import 'node:fs';`, /imports nothing from Node/],
    ['src stays within src', 'runtime/a.ts', `import '../../test/x.js';`, /lies outside src/],
    ['rooms are on the plan', 'attic/a.ts', '', /there is no room "attic"/],
    ['p-retry stays in its rooms', 'runtime/a.ts', `await import('p-retry');`, /"p-retry" stays in children/],
    ['tsyringe stays in adapters', 'app/a.ts', `import 'tsyringe';`, /"tsyringe" stays in adapters/],
    ['koffi stays in resources', 'signals/a.ts', `import 'koffi';`, /"koffi" stays in resources/],
    ['other packages stay outside', 'runtime/a.ts', `import '@scope/x/y';`, /"@scope\/x" has no room/],
    ['Node modules wear their prefix', 'runtime/a.ts', `import 'fs';`, /"fs" has no room/],
    ['no exit', 'app/a.ts', 'process.exit(1);', /"process.exit" is not for this file/],
    ['no exit by another spelling', 'app/a.ts', `process['exit'](1);`, /"process.exit" is not/],
    ['no exit unpacked', 'app/a.ts', 'const { exit } = process;', /"process.exit" is not/],
    ['no exit imported', 'app/a.ts', `import { exit } from 'node:process';`, /"process.exit" is not/],
    ['no console', 'signals/a.ts', `console.error('x');`, /"console" is not for this file/],
    ['no console by import', 'signals/a.ts', `import c from 'node:console';`, /"node:console" is not/],
    ['no console as a value', 'signals/a.ts', 'export const log = console;', /"console" is not/],
    ['no timer', 'runtime/a.ts', 'setTimeout(() => {}, 1);', /"setTimeout" is not for this file/],
    ['no timer handed on', 'testing/a.ts', 'use(setInterval);', /"setInterval" is not/],
    ['no timer in shorthand', 'testing/a.ts', 'use({ setInterval });', /"setInterval" is not/],
    ['no timer of globalThis', 'children/a.ts', 'globalThis.setTimeout(f, 1);', /"setTimeout" is not/],
    [
      'no timer by import',
      'children/a.ts',
      `import { setTimeout as s } from 'node:timers/promises';`,
      /timers.promises" is not/,
    ],
    ['no timeout signal', 'children/a.ts', 'AbortSignal.timeout(5);', /"AbortSignal.timeout" is not/],
    ['no wall clock', 'core/a.ts', 'const t = Date.now();', /"Date.now" is not/],
    ['no date of now', 'core/a.ts', 'const t = new Date();', /"new Date" is not/],
    ['no performance clock', 'signals/a.ts', 'performance.now();', /"performance.now" is not/],
    ['no hrtime', 'signals/a.ts', 'process.hrtime.bigint();', /"process.hrtime" is not/],
  ];

  test.each(cases)('%s', (_, path, text, breach) => {
    const found = breaches([{ path, text }], HOUSE);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(breach);
  });

  test('rooms that import each other make a circle', () => {
    const sources = [
      { path: 'core/a.ts', text: `import '../runtime/index.js';` },
      { path: 'runtime/index.ts', text: `import '../core/index.js';` },
    ];
    expect(breaches(sources, HOUSE)).toContain(
      'rooms import each other in a circle: core -> runtime -> core',
    );
  });
});

describe('what the plan allows is left alone', () => {
  const cases: readonly (readonly [what: string, path: string, text: string])[] = [
    ['files of a room import each other', 'core/a.ts', `import { x } from './spec.js';`],
    ['a room imports another by its door', 'children/a.ts', `import { x } from '../runtime/index.js';`],
    [
      'an adapter imports the surface and its library',
      'adapters/tsyringe.ts',
      `import '../index.js'; import 'tsyringe';`,
    ],
    ['the clock sets timers', 'runtime/clock.ts', 'setTimeout(f, performance.now());'],
    [
      'a member may be called setTimeout',
      'runtime/a.ts',
      'clock.setTimeout(f, 1); const c = { setTimeout: f };',
    ],
    ['a method may be called setTimeout', 'testing/a.ts', 'class C { setTimeout(): void {} }'],
    ['a type may name a timer', 'core/a.ts', 'type T = ReturnType<typeof setTimeout>;'],
    ['a date may be made from a moment', 'core/a.ts', 'const d = new Date(atMs);'],
    ['the shell prints and exits', 'cli/a.ts', 'console.log(1); process.exit(0);'],
    ['words in comments and strings are words', 'core/a.ts', `// process.exit\nconst s = 'console.log';`],
  ];

  test.each(cases)('%s', (_, path, text) => {
    expect(breaches([{ path, text }], HOUSE)).toEqual([]);
  });
});
