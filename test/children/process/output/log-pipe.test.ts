import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { command } from '../../../../src/children/index.js';
import { logPipe } from '../../../../src/children/process/output/log-pipe.js';
import { startRecorded } from '../../../../src/testing/recording-host.js';

const root = mkdtempSync(join(tmpdir(), 'log-pipe-'));
afterAll(() => rmSync(root, { recursive: true }));

/** The ends of pipes of ours that this process has open. */
const openPipes = (): readonly string[] =>
  readdirSync('/proc/self/fd')
    .map((fd) => linkOf(`/proc/self/fd/${fd}`))
    .filter((path) => path.includes('treewarden-pipe-'));

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // The descriptor by which the directory was read.
    return '';
  }
}

describe.runIf(process.platform === 'linux')('the pipe between a program and its logger', () => {
  const multilog = existsSync('/usr/bin/multilog');

  test.runIf(multilog)(
    'loses no line through ten restarts of either',
    async () => {
      const pipe = await logPipe();
      const directory = join(root, 'log');
      const startLogger = (): ReturnType<typeof startRecorded> => {
        const logger = command('log', 'multilog', ['s16777215', 'n100', directory], { stdin: pipe.source });
        return startRecorded(logger);
      };
      let restarts = 0;
      const restartLogger = async (): Promise<ReturnType<typeof startRecorded>> => {
        for (; restarts < 10; restarts += 1) {
          const logger = startLogger();
          await logger.host.next('ready');
          while (!existsSync(join(directory, 'current')))
            await new Promise((resolve) => setImmediate(resolve));
          logger.incarnation.stop(5000);
          // It takes the rest of a line that it has begun to read, and so wants some to come.
          await logger.host.next('exited');
        }
        return startLogger();
      };
      const logging = restartLogger();
      let runs = 0;
      for (; runs < 10 || restarts < 10; runs += 1) {
        const args = ['-f', 'line %.0f', String(runs * 10_000 + 1), String((runs + 1) * 10_000)];
        const service = startRecorded(command('service', 'seq', args, { stdout: pipe.sink }));
        expect((await service.host.next('exited')).exit).toEqual({ type: 'completed' });
      }
      const last = await logging;
      pipe.end();
      await last.host.next('exited');
      pipe.close();
      const lines = readFileSync(join(directory, 'current'), 'utf8');
      expect(lines).toBe(Array.from({ length: runs * 10_000 }, (_, index) => `line ${index + 1}\n`).join(''));
    },
    120_000,
  );

  test('comes to its end for the logger once the programs have ended and no more will be written', async () => {
    const pipe = await logPipe();
    const logger = startRecorded(command('log', 'cat', [], { stdin: pipe.source, stdout: 'capture' }));
    await startRecorded(command('service', 'echo', ['one'], { stdout: pipe.sink })).host.next('exited');
    expect(logger.host.said('exited')).toBe(false);
    pipe.end();
    expect((await logger.host.next('exited')).exit).toEqual({ type: 'completed' });
    expect(logger.incarnation.output?.()?.tail(1)[0]?.text).toBe('one');
    pipe.close();
  });

  test('passes on what is read for the readiness of a program, and leaves no descriptor behind', async () => {
    const pipe = await logPipe();
    const service = startRecorded(
      command('service', 'sh', ['-c', 'echo up; echo more'], { stdout: pipe.sink, ready: { line: 'up' } }),
    );
    await service.host.next('exited');
    pipe.end();
    const logger = startRecorded(command('log', 'cat', [], { stdin: pipe.source, stdout: 'capture' }));
    await logger.host.next('exited');
    expect(
      logger.incarnation
        .output?.()
        ?.tail(2)
        .map(({ text }) => text),
    ).toEqual(['up', 'more']);
    pipe.close();
    pipe.close();
    expect(openPipes()).toEqual([]);
  });
});
