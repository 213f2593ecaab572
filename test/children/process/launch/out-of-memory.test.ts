import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';

const LIMITS = ['memory.max', 'memory.limit_in_bytes'];

/** A control group whose memory can be limited, and that counts who was ended for it; undefined where none can be made. */
function makeGroup(): string | undefined {
  for (const root of ['/sys/fs/cgroup', '/sys/fs/cgroup/memory']) {
    const path = `${root}/oom-test-${process.pid}`;
    try {
      mkdirSync(path);
      if (LIMITS.some((file) => existsSync(`${path}/${file}`))) return path;
      rmdirSync(path);
    } catch {
      // Not ours to make, or no control groups at all.
    }
  }
  return undefined;
}

const group = makeGroup();
afterAll(() => {
  if (group !== undefined) rmdirSync(group);
});

const index = new URL('../../../../src/index.ts', import.meta.url).href;

/** How a program ends that a supervisor in the group has started, as that one tells it. */
async function exitIn(path: string, file: string, args: readonly string[]): Promise<unknown> {
  const script = `
    const { supervise, supervisor, command } = await import(${JSON.stringify(index)});
    const child = command('program', ${JSON.stringify(file)}, ${JSON.stringify(args)}, { restart: 'temporary', ownership: 'group' });
    const onEvent = (event) => event.type === 'child:exited' && event.child === 'root/program' && (exit = event.exit);
    let exit;
    const app = await supervise(child, { onEvent });
    await app.done.catch(() => undefined);
    console.log(JSON.stringify(exit));`;
  const place = 'echo 0 >"$0/cgroup.procs" && exec "$@"';
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script];
  const host = spawn('sh', ['-c', place, path, ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const chunk of host.stdout) said += String(chunk);
  return JSON.parse(said);
}

test.runIf(group !== undefined)(
  'a program that the kernel ends for want of memory is told as out of memory',
  async () => {
    const path = group as string;
    for (const file of LIMITS)
      if (existsSync(`${path}/${file}`)) writeFileSync(`${path}/${file}`, String(384 << 20));
    const detail = expect.stringContaining('the kernel ended it for want of memory');
    expect(await exitIn(path, 'tail', ['/dev/zero'])).toMatchObject({ type: 'out-of-memory', detail });
    // Somebody else's SIGKILL is no want of memory.
    expect(await exitIn(path, 'sh', ['-c', 'kill -KILL $$'])).toMatchObject({
      type: 'signal',
      signal: 'SIGKILL',
    });
  },
  60_000,
);
