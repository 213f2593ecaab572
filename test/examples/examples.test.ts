import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { connect } from '../../src/control/index.js';
import { capabilities } from '../../src/resources/index.js';
import { endAll, type Program, run } from '../app/program.js';

const examples = fileURLToPath(new URL('../../examples', import.meta.url));

const systemV = (await capabilities()).some(({ name, there }) => name === 'system-v' && there);

afterEach(endAll);

/** Starts an example as its first lines say. */
function start(name: string, ...flags: readonly string[]): Program {
  return run(process.execPath, ['--import', 'tsx', ...flags, join(examples, name)]);
}

describe('the example', () => {
  test('01: a consumer is restarted after a poisoned job, and drains at SIGTERM', async () => {
    const program = start('01-one-consumer.ts');
    await program.says(/^sent dan$/);
    program.kill('SIGTERM');
    const { lines, signal } = await program.ended;
    expect(lines.slice(0, 5)).toEqual([
      'sent ada',
      'sent bob',
      'restarting root/mail',
      'sent cleo',
      'sent dan',
    ]);
    expect(lines.join('\n')).toMatch(/type: 'stopped'/);
    expect(signal).toBe('SIGTERM');
  }, 30_000);

  test('02: a worker that is killed comes back alone, and the tree stops within its grace', async () => {
    const program = start('02-tree/main.ts');
    const ready = await program.says(/^ready: rates, resize \(pid \d+\)$/);
    process.kill(Number(/pid (\d+)/.exec(ready)?.[1]), 'SIGKILL');
    await program.says(/^shop\/workers\/resize is ready again \(2\)$/);
    program.kill('SIGTERM');
    const { lines, signal } = await program.ended;
    expect(lines.filter((line) => line.includes('ready again'))).toHaveLength(1);
    expect(lines).toContain('resize: cleaned up');
    expect(lines.filter((line) => / stopped in \d+ ms$/.test(line))).toHaveLength(4);
    expect(signal).toBe('SIGTERM');
  }, 30_000);

  test('03: a policy is tested by node:test in virtual time', async () => {
    const { code, lines } = await start('03-policy-test.ts', '--test').ended;
    expect(lines.join('\n')).toMatch(/(#|ℹ) pass 3\n(#|ℹ) fail 0/);
    expect(code).toBe(0);
  }, 30_000);

  test('04: each incarnation of a class has a connection of its own', async () => {
    const { code, lines, stderr } = await start('04-dependency-injection.ts').ended;
    expect(lines, stderr).toEqual([
      'connection 1 opened',
      'packed tea',
      'packed milk',
      'connection closed',
      'connection 2 opened',
      'packed bread',
      'connection closed',
      'completed',
    ]);
    expect(code).toBe(0);
  }, 30_000);

  test('05: calls to a thread are answered, refused, lost and answered again', async () => {
    const { code, lines, stderr } = await start('05-typed-calls/main.ts').ended;
    expect(lines, stderr).toEqual([
      'ecb83a8023f6504c3cbdaf32e6dcb21944ff85c33e4f50baa43911bcc0e32eb7',
      expect.stringContaining('digest() of "shop/hash" threw: '),
      'lost: child-exited',
      'incarnation 2: ccca5395e23377865c74893e9962df88',
    ]);
    expect(code).toBe(0);
  }, 30_000);

  test('06: a request that was begun is answered before the server ends', async () => {
    const program = start('06-graceful-http-server.ts');
    const port = Number(/\d+/.exec(await program.says(/^listening on \d+$/))?.[0]);
    const answer = textOf(`http://127.0.0.1:${port}/order`);
    await program.says(/^GET \/order$/);
    program.kill('SIGTERM');
    await expect(answer).resolves.toBe('here you are\n');
    const { lines, signal } = await program.ended;
    expect(lines.slice(-2)).toEqual(['every request is answered', 'stopped']);
    expect(signal).toBe('SIGTERM');
  }, 30_000);

  test('07: a tree that keeps failing ends with the history of how it came to that', async () => {
    const { code, lines } = await start('07-escalation.ts').ended;
    expect(lines.filter((line) => line.includes('gave up: ')).slice(0, 3)).toEqual([
      'shop/workers gave up: 3 restarts',
      'shop/workers gave up: 3 restarts',
      'shop gave up: 2 restarts',
    ]);
    expect(lines.join('\n')).toMatch(/gave up: 2 restarts within 5000 ms.*\nError: no such host/);
    expect(code).toBe(1);
  }, 30_000);

  test('08: the workers read what one child has loaded, and its last value while the source fails', async () => {
    const program = start('08-shared-cell/main.ts');
    await Promise.all(
      ['web-1', 'web-2'].map((id) => program.says(new RegExp(`^${id}: version \\d+, ash \\d+, elm`))),
    );
    await program.says(/^the source has failed; the last list stays$/);
    const [, version] =
      /version (\d+)/.exec(program.lines.findLast((line) => line.startsWith('web-1')) ?? '') ?? [];
    await program.says(new RegExp(`^web-1: version ${Number(version) + 1}, `));
    program.kill('SIGTERM');
    const { signal, stderr } = await program.ended;
    expect([signal, stderr]).toEqual(['SIGTERM', '']);
  }, 60_000);

  test.runIf(systemV)(
    '09: nothing is left of a program that is killed',
    async () => {
      const { code, lines, stderr } = await start('09-kill-nine/main.ts').ended;
      expect(lines, stderr).toEqual([
        expect.stringMatching(/^held by pid \d+:$/),
        ...['shm', 'shm', 'shm', 'sem', 'sem'].map((table) =>
          expect.stringMatching(new RegExp(`^ {2}${table} 0x[0-9a-f]{8} id \\d+$`)),
        ),
        expect.stringMatching(/^ {2}\/dev\/shm\/kill-nine-\d+$/),
        expect.stringMatching(/^\d+ ms after kill -9:$/),
        '  nothing',
      ]);
      expect(code).toBe(0);
    },
    60_000,
  );

  test.runIf(process.platform === 'linux')(
    '10: an old consumer is kept alive with a log, limits and control',
    async () => {
      const here = mkdtempSync(join(tmpdir(), 'treewarden-example-'));
      const queue = join(here, 'queue');
      mkdirSync(queue);
      writeFileSync(join(queue, 'ada'), '');
      Object.assign(process.env, { QUEUE: queue, LOG: join(here, 'log'), XDG_RUNTIME_DIR: here });
      const program = start('10-service-directory/main.ts');
      const path = (await program.says(/^listening at /)).slice('listening at '.length);
      const log = (): string => readFileSync(join(here, 'log', 'current'), 'utf8');
      await expect.poll(() => existsSync(join(here, 'log', 'current')) && log()).toMatch(/^\S+ sent ada\n$/);
      writeFileSync(join(queue, 'poison'), '');
      const tree = await connect({ path });
      await expect.poll(async () => (await tree.status('mail')).restarts).toBe(1);
      writeFileSync(join(queue, 'bob'), '');
      await expect.poll(log, { timeout: 10_000 }).toMatch(/ sent bob\n$/);
      await tree.down('mail');
      expect((await tree.status('mail')).status).toBe('down');
      await tree.close();
      program.kill('SIGTERM');
      const { signal, stderr } = await program.ended;
      expect([signal, stderr]).toEqual(['SIGTERM', '']);
      const left = join(examples, '10-service-directory/services/mail/supervise');
      for (const path of [here, left]) rmSync(path, { recursive: true });
    },
    60_000,
  );
});

describe('the examples', () => {
  const numbered = readdirSync(examples)
    .filter((name) => /^\d/.test(name))
    .sort();

  test('are each run by a test above', () => {
    const tests = readFileSync(fileURLToPath(import.meta.url), 'utf8');
    expect(numbered.filter((name) => !tests.includes(`start('${name}`))).toEqual([]);
  });

  test('are numbered without a gap, and short', () => {
    expect(numbered.map((name) => name.slice(0, 2))).toEqual(
      numbered.map((_, at) => `${at + 1}`.padStart(2, '0')),
    );
    const lengths = readdirSync(examples, { recursive: true, encoding: 'utf8' })
      .filter((name) => /^\d.*\.ts$/.test(name))
      .map((name) => [name, readFileSync(join(examples, name), 'utf8').split('\n').length] as const);
    expect(lengths.filter(([, lines]) => lines > 70)).toEqual([]);
  });
});

function textOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, async (response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      resolve(text);
    }).on('error', reject);
  });
}
