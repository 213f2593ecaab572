import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { command } from '../../src/children/index.js';
import { noBackoff } from '../../src/core/index.js';
import { Supervisor, supervisor } from '../../src/runtime/index.js';

const folder = mkdtempSync(join(tmpdir(), 'restart-'));
afterAll(() => rmSync(folder, { recursive: true }));

const RESTARTS = 30;

// The lock is the kernel's: it is held as long as any process lives that inherited it.
test.runIf(process.platform === 'linux')(
  'no life of a command begins while anything of the one before is alive',
  async () => {
    const script = `
      exec 9> ${folder}/lock
      flock --nonblock 9 && echo alone >> ${folder}/lives || echo overlap >> ${folder}/lives
      (trap '' TERM; exec sleep 1000) &
      exit 1`;
    const spec = command('leaves-a-child', 'sh', ['-c', script], { stderr: 'capture' });
    await using tree = new Supervisor(
      supervisor('root', {
        intensity: RESTARTS - 1,
        periodMs: 60_000,
        backoff: noBackoff(),
        children: [spec],
      }),
    );
    await tree.start();
    const exit = await tree.done;
    expect(exit).toMatchObject({ type: 'gave-up', child: 'root/leaves-a-child' });
    expect(exit.type === 'gave-up' && exit.attempts.at(-1)?.exit).toEqual({ type: 'code', code: 1 });
    const lives = readFileSync(join(folder, 'lives'), 'utf8').trimEnd().split('\n');
    expect(lives).toEqual(Array.from({ length: RESTARTS }, () => 'alone'));
  },
);
