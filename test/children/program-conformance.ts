import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ChildSettings } from '../../src/core/index.js';
import type { ChildSpec } from '../../src/runtime/index.js';
import type { ConformanceChildren } from '../../src/testing/conformance.js';
import { program } from './programs.js';

export type MakeProgram = (
  file: string,
  settings?: ChildSettings & { readonly args?: readonly string[]; readonly stderr?: 'capture' },
) => ChildSpec;

/** What the conformance suite asks for, from the programs that import `treewarden/child`: the same for a fork and for a thread. */
export async function conformingPrograms(make: MakeProgram): Promise<ConformanceChildren> {
  const folder = mkdtempSync(join(tmpdir(), 'programs-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const port = await freePort();
  let serial = 0;
  const run: MakeProgram = (name, settings) => make(program(name), { stderr: 'capture', ...settings });
  return {
    serves: () => run('serves-calls.mjs'),
    completes: () => run('has-nothing-to-do.mjs'),
    fails: () => ({ spec: run('throws-at-once.mjs'), exit: {} }),
    neverReady: () => run('serves-calls.mjs', { ready: 'explicit' }),
    becomesReady: () => [
      run('says-ready.mjs', { ready: 'explicit' }),
      run('prints-a-line.mjs', { ready: { line: 'serving' } }),
      run('listens-on-a-port.mjs', { ready: { port, host: '127.0.0.1' }, args: [String(port)] }),
      run('serves-calls.mjs', { ready: { probe: () => true } }),
    ],
    ignoresStop: () => run('heeds-nothing.mjs', { ready: 'explicit' }),
    worksOn: () => {
      serial += 1;
      const done = join(folder, `done-${serial}`);
      return {
        spec: run('finishes-its-work.mjs', { ready: 'explicit', args: [done] }),
        when: 'drained',
        finished: () => existsSync(done),
      };
    },
    notStarted: () => run('no-such-program.mjs'),
    beats: () => run('gives-heartbeats.mjs'),
    reportsFault: () => run('reports-a-fault.mjs'),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('the server did not listen');
  return address.port;
}
