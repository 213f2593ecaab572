import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, test, vi } from 'vitest';
import { command } from '../../../src/children/index.js';
import { SpawnHelper } from '../../../src/children/process/helper/spawn-helper.js';
import { systemClock } from '../../../src/runtime/index.js';
import { type ConformanceChildren, driverConformance } from '../../../src/testing/conformance.js';
import { helped } from './helper/helped.js';

const folder = mkdtempSync(join(tmpdir(), 'command-'));
afterAll(() => rmSync(folder, { recursive: true }));

const server = createServer().listen(0, '127.0.0.1');
afterAll(() => server.close());

/** The function that makes the specs; anew for each test of a process that has not started one yet. */
let make = command;

const shell = (script: string, options: Parameters<typeof command>[3] = {}): ReturnType<typeof command> =>
  make('shell', 'sh', ['-c', script], { stdout: 'ignore', stderr: 'capture', ...options });

const SERVE = 'exec sleep 1000';

const children: ConformanceChildren = {
  serves: () => shell(SERVE),
  completes: () => shell('true'),
  fails: () => ({ spec: shell('exit 7'), exit: { type: 'code', code: 7 } }),
  neverReady: () => shell(SERVE, { ready: { line: 'never said' } }),
  becomesReady: () => [
    shell(`echo now serving; ${SERVE}`, { ready: { line: 'serving' } }),
    shell(`printf 'no end of line: serving'; ${SERVE}`, { ready: { line: /: serv/g } }),
    shell(SERVE, { ready: { port: portOf(server) } }),
    shell(`touch ${folder}/up; ${SERVE}`, {
      ready: { probe: () => existsSync(`${folder}/up`), everyMs: 5 },
    }),
  ],
  ignoresStop: () =>
    shell(`trap '' TERM; echo deaf; while :; do sleep 1000; done`, { ready: { line: 'deaf' } }),
  worksOn: () => {
    const done = join(folder, 'done');
    const script = `trap 'echo > ${done}; exit 0' TERM; echo working; while :; do sleep 0.01; done`;
    return {
      spec: shell(script, { ready: { line: 'working' } }),
      when: 'exited',
      finished: () => existsSync(done),
    };
  },
  notStarted: () => make('absent', 'no-such-program'),
};

describe('the driver of command', () => {
  driverConformance('command', test, children);
});

describe('the driver of command, as in a process that has not started one yet', () => {
  beforeEach(async () => {
    vi.resetModules();
    ({ command: make } = await import('../../../src/children/index.js'));
  });
  driverConformance('command whose code is still to be loaded', test, children);
});

describe.skipIf(process.platform === 'win32')(
  'the driver of command, where a spawn helper starts programs',
  () => {
    let helper: SpawnHelper;
    beforeAll(async () => {
      helper = await SpawnHelper.open(systemClock);
    });
    afterAll(() => helper.close());
    beforeEach(() => {
      make = (...args) => helped(command(...args), () => helper);
    });
    driverConformance('command that a helper starts', test, children);
  },
);

function portOf(listening: typeof server): number {
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return address.port;
}
