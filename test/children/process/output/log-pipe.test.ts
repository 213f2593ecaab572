import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { command } from '../../../../src/children/index.js';
import { logPipe } from '../../../../src/children/process/output/log-pipe.js';
import { startRecorded } from '../../../../src/testing/recording-host.js';

const root = mkdtempSync(join(tmpdir(), 'log-pipe-'));
afterAll(() => rmSync(root, { recursive: true }));

const openFds = (): number => readdirSync('/proc/self/fd').length;

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
      const restarts = { logger: 0, over: false };
      const restartLogger = async (): Promise<ReturnType<typeof startRecorded>> => {
        for (;;) {
          const logger = startLogger();
          await logger.host.next('ready');
          if (restarts.over && restarts.logger >= 10) return logger;
          restarts.logger += 1;
          // A logger that was not yet there to hear it would be ended by it before it has read anything.
          while (!existsSync(join(directory, 'current')))
            await new Promise((resolve) => setImmediate(resolve));
          logger.incarnation.stop(5000);
          await logger.host.next('exited');
        }
      };
      const logging = restartLogger();
      for (let run = 0; run < 10; run += 1) {
        const args = ['-f', 'line %.0f', String(run * 10_000 + 1), String((run + 1) * 10_000)];
        const service = startRecorded(command('service', 'seq', args, { stdout: pipe.sink }), {
          patienceMs: 60_000,
        });
        expect((await service.host.next('exited')).exit).toEqual({ type: 'completed' });
        expect(service.incarnation.output?.()?.tail(10) ?? []).toEqual([]);
      }
      restarts.over = true;
      const last = await logging;
      pipe.end();
      await last.host.next('exited');
      pipe.close();
      const lines = readFileSync(join(directory, 'current'), 'utf8');
      expect(lines).toBe(Array.from({ length: 100_000 }, (_, index) => `line ${index + 1}\n`).join(''));
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
    const before = openFds();
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
    while (openFds() > before) await new Promise((resolve) => setImmediate(resolve));
  });
});
