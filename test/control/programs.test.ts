import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type CommandOptions, command, supervisor } from '../../src/index.js';
import { client, served } from './trees.js';

const onLinux = describe.runIf(process.platform === 'linux');

const shell = (id: string, script: string, options: CommandOptions = {}): ReturnType<typeof command> =>
  command(id, 'sh', ['-c', `${script}; echo up; while :; do sleep 0.05; done`], {
    stdout: 'capture',
    ready: { line: /up/ },
    ...options,
  });

onLinux('a real program', () => {
  test('that ignores its stop is explained while it is awaited, and in the report of its end', async () => {
    const stubborn = shell('stubborn', "trap '' TERM", { shutdown: 60_000 });
    const short = shell('short', "trap '' TERM", { shutdown: 200 });
    const { path } = await served(supervisor('shop', { children: [stubborn, short] }));
    const asking = await client(path);
    const { pid } = await asking.status('stubborn');
    const down = asking.down('stubborn');
    const ignored = { verdict: 'ignored', pid, why: expect.stringContaining('ignores SIGTERM') };
    await expect
      .poll(() => asking.explain('stubborn'))
      .toEqual(expect.arrayContaining([expect.objectContaining(ignored)]));
    expect(await asking.status('stubborn')).toMatchObject({ status: 'stopping' });
    await asking.signal('stubborn', 'SIGKILL');
    expect(await down).toMatchObject({ child: 'shop/stubborn', obstacles: [] });
    expect(await asking.explain('stubborn')).toEqual([]);
    const report = await asking.down('short');
    expect(report.obstacles).toEqual(
      expect.arrayContaining([expect.objectContaining({ verdict: 'ignored', advice: expect.any(String) })]),
    );
    expect(report.tookMs).toBeGreaterThanOrEqual(200);
  }, 60_000);

  test('reads its settings anew by its reload signal, and any other signal reaches it', async () => {
    const script = "trap 'echo reloaded' HUP; trap 'echo signalled' USR1";
    const { path } = await served(
      supervisor('shop', { children: [shell('web', script, { reloadSignal: 'SIGHUP' })] }),
    );
    const asking = await client(path);
    const said: string[] = [];
    const leave = new AbortController();
    const reading = (async () => {
      for await (const { text } of asking.logs('web', { follow: true, abortSignal: leave.signal }))
        said.push(text);
    })();
    await expect.poll(() => said).toEqual(['up']);
    await asking.reload('web');
    await expect.poll(() => said, { timeout: 10_000 }).toEqual(['up', 'reloaded']);
    await asking.signal('web', 'SIGUSR1');
    await expect.poll(() => said, { timeout: 10_000 }).toEqual(['up', 'reloaded', 'signalled']);
    expect(await asking.status('web')).toMatchObject({ incarnation: 1, status: 'ready' });
    leave.abort();
    await reading.catch(() => undefined);
  }, 60_000);

  test('that is run once ends, stays down, and is told as kept down; it can be started again', async () => {
    const { path } = await served(supervisor('shop', { children: [shell('job', ':')] }));
    const asking = await client(path);
    await asking.down('job');
    const leave = new AbortController();
    const kept: unknown[] = [];
    const reading = (async () => {
      for await (const event of asking.events('job', { abortSignal: leave.signal }))
        if (event.type === 'child:kept-down') kept.push(event);
    })();
    await asking.status();
    expect(await asking.up('job', { once: true })).toMatchObject({ status: 'ready', once: true });
    await asking.signal('job', 'SIGKILL');
    expect(await asking.wait('job', 'down', { timeoutMs: 20_000 })).toMatchObject({ status: 'down' });
    await expect
      .poll(() => kept)
      .toMatchObject([{ child: 'shop/job', why: expect.stringContaining('once') }]);
    await expect(asking.wait('job', 'ready')).rejects.toMatchObject({ failure: 'wrong-state' });
    const again = await asking.up('job');
    expect([again.status, again.once]).toEqual(['ready', undefined]);
    leave.abort();
    await reading.catch(() => undefined);
  }, 60_000);

  test('that is suspended writes nothing until it is continued, and hears of its stop all the same', async () => {
    const counts = command('counts', 'sh', ['-c', 'while :; do echo x; sleep 0.01; done'], {
      stdout: 'capture',
    });
    const { app, path } = await served(supervisor('shop', { children: [counts] }));
    const asking = await client(path);
    let lines = 0;
    app
      .child('counts')
      .output()
      ?.follow(() => (lines += 1));
    await expect.poll(() => lines).toBeGreaterThan(0);
    await asking.pause('counts');
    // What was in the pipe.
    await expect
      .poll(async () => {
        const before = lines;
        await delay(100);
        return lines - before;
      })
      .toBe(0);
    const paused = lines;
    await asking.continue('counts');
    await expect.poll(() => lines).toBeGreaterThan(paused);
    await asking.pause('counts');
    expect(await asking.down('counts')).toMatchObject({ obstacles: [] });
  }, 60_000);

  test('that is not ready, or not down, in time is told as that, and goes on', async () => {
    const slow = command('slow', 'sleep', ['1000'], { ready: { line: /never/ }, startTimeoutMs: 600_000 });
    const { path } = await served(supervisor('shop', { children: [shell('web', ':')] }));
    const asking = await client(path);
    await expect(asking.wait('web', 'down', { timeoutMs: 50 })).rejects.toMatchObject({
      failure: 'timed-out',
      facts: { path: 'web', timeoutMs: 50 },
    });
    expect(await asking.wait('web', 'ready', { timeoutMs: 0 })).toMatchObject({ status: 'ready' });
    const { app, path: other } = await served(supervisor('late', { children: [] }));
    const starting = app.supervisor.startChild(slow).catch((error: unknown) => error);
    const late = await client(other);
    await expect(late.wait('slow', 'ready', { timeoutMs: 50 })).rejects.toMatchObject({
      failure: 'timed-out',
    });
    expect(await late.status('slow')).toMatchObject({ status: 'starting' });
    await app.stop();
    await starting;
  }, 60_000);
});

onLinux('many programs', () => {
  test('are seen with what they use, by one look at the machine, while others have their turn', async () => {
    const children = Array.from({ length: 60 }, (_, index) => command(`sleeps-${index}`, 'sleep', ['1000']));
    const { path } = await served(supervisor('shop', { children }));
    const asking = await client(path);
    const { children: found = [] } = await asking.status('', { usage: true });
    expect(found.map(({ usage }) => usage?.processes)).toEqual(children.map(() => 1));
    const used = process.cpuUsage();
    await asking.status('', { usage: true });
    const { user, system } = process.cpuUsage(used);
    // A look for each of them takes many times as long.
    expect((user + system) / 1000).toBeLessThan(200);
  }, 60_000);
});
