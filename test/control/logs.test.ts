import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { logFile } from '../../src/children/logs.js';
import { logPipe } from '../../src/children/process/output/log-pipe.js';
import { command, constantBackoff, supervisor } from '../../src/index.js';
import { client, ownDirectory, served } from './trees.js';

const shell = (script: string): [string, string[]] => ['sh', ['-c', script]];
const numbered = (last: number): string =>
  Array.from({ length: last }, (_, index) => `${index + 1}\n`).join('');
const lastOf = (path: string): number =>
  existsSync(path) ? Number(readFileSync(path, 'utf8').trimEnd().split('\n').at(-1)) : 0;

describe('reopenLogs', () => {
  test('has what was renamed written no more, and all that comes in a new file: no line is lost', async () => {
    const directory = ownDirectory();
    const file = (name: string): string => join(directory, name);
    const counts = shell('i=0; while :; do i=$((i+1)); echo $i; done');
    const log = logFile({ directory, files: 10_000, limitBytes: 1e9 });
    const tree = supervisor('shop', {
      children: [
        command('counts', ...counts, { stdout: log, stderr: log }),
        command('plain', 'sleep', ['1000']),
      ],
    });
    const { path } = await served(tree);
    const asking = await client(path);
    for (const turn of [1, 2, 3]) {
      await expect.poll(() => lastOf(file('current'))).toBeGreaterThan(0);
      renameSync(file('current'), file(`current.${turn}`));
      expect(await asking.reopenLogs()).toBe(1);
      const moved = readFileSync(file(`current.${turn}`), 'utf8');
      await expect.poll(() => lastOf(file('current'))).toBeGreaterThan(0);
      // It might be compressed by now.
      expect(readFileSync(file(`current.${turn}`), 'utf8')).toBe(moved);
    }
    await asking.down('counts');
    const all = ['current.1', 'current.2', 'current.3', 'current'].map((name) =>
      readFileSync(file(name), 'utf8'),
    );
    const written = all.join('');
    expect(written).toBe(numbered(written.split('\n').length - 1));
    expect(await asking.reopenLogs('plain')).toBe(0);
  });

  test('is not needed for a child that was between two lives', async () => {
    const directory = ownDirectory();
    const current = join(directory, 'current');
    const writes = command('writes', ...shell('echo line; exit 1'), {
      stdout: logFile({ directory }),
      backoff: constantBackoff(300),
    });
    const { app, path } = await served(supervisor('shop', { intensity: 100, children: [writes] }));
    const asking = await client(path);
    await expect.poll(() => app.child('writes').status).toBe('waiting');
    renameSync(current, join(directory, 'moved'));
    expect(await asking.reopenLogs()).toBe(0);
    await expect
      .poll(() => existsSync(current) && readFileSync(current, 'utf8'), { timeout: 10_000 })
      .toMatch(/^line\n/);
  });

  test('says why a file cannot be opened anew', async () => {
    const directory = join(ownDirectory(), 'log');
    const sleeps = command('sleeps', 'sleep', ['1000'], { stdout: logFile({ directory }) });
    const { path } = await served(supervisor('shop', { children: [sleeps] }));
    renameSync(directory, `${directory}.moved`);
    await expect((await client(path)).reopenLogs()).rejects.toMatchObject({
      failure: 'failed',
      message: expect.stringContaining(join(directory, 'current')),
    });
  });
});

describe('logs', () => {
  test.runIf(process.platform === 'linux')('say where a stream goes that is not captured', async () => {
    const pipe = await logPipe();
    const sleeps = command('sleeps', 'sleep', ['1000'], { stdout: pipe.sink, stderr: 'ignore' });
    const { app, path } = await served(supervisor('shop', { children: [sleeps] }));
    expect(app.child('sleeps').output()?.elsewhere).toEqual({
      stdout: expect.stringContaining('a pipe to its logger'),
      stderr: 'nowhere',
    });
    await expect((await client(path)).logs('sleeps')[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      failure: 'not-supported',
      message: expect.stringMatching(
        /stdout goes straight to its sink, such as a pipe to its logger, its stderr nowhere/,
      ),
    });
    await app.stop();
    pipe.close();
  });

  test('are followed through restarts, each line once, with the incarnation that wrote it', async () => {
    const script = 'echo one $$; echo two $$ >&2; read -r _ < /dev/null; exec sleep 1000';
    const writes = command('writes', ...shell(script), { stdout: 'capture', stderr: 'capture' });
    const { path } = await served(supervisor('shop', { children: [writes] }));
    const asking = await client(path);
    const heard: string[] = [];
    const leave = new AbortController();
    const pids: (number | undefined)[] = [(await asking.status('writes')).pid];
    const reading = (async () => {
      for await (const { incarnation, text } of asking.logs('', { follow: true, abortSignal: leave.signal }))
        heard.push(`${incarnation}: ${text}`);
    })();
    const expected = (): string[] =>
      pids.flatMap((pid, index) => [`${index + 1}: one ${pid}`, `${index + 1}: two ${pid}`]).sort();
    await expect.poll(() => [...heard].sort()).toEqual(expected());
    for (const by of ['restart', 'kill'] as const) {
      if (by === 'restart') await asking.restart('writes');
      else {
        process.kill(pids.at(-1) ?? 0, 'SIGKILL');
        await expect
          .poll(async () => (await asking.status('writes')).incarnation, { timeout: 10_000 })
          .toBe(3);
        await asking.wait('writes', 'ready');
      }
      pids.push((await asking.status('writes')).pid);
      await expect.poll(() => [...heard].sort(), { timeout: 10_000 }).toEqual(expected());
    }
    leave.abort(new Error('heard enough'));
    await expect(reading).rejects.toThrow('heard enough');
  });
});
