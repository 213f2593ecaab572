import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SpoolQueue } from '../../examples/main-job/spool-queue.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const main = join(root, 'examples/main-job/main.ts');
/** Some two thousand real files that nobody writes to meanwhile. */
const FILES = join(root, 'node_modules/rxjs');
const RUN_LIMIT_MS = 90_000;

let scratch: string;
/** The temporary folder of the programs under test, so that what they leave behind shows. */
let temporary: string;
let small: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'treewarden-main-job-test-'));
  small = join(scratch, 'small');
  mkdirSync(join(small, 'below'), { recursive: true });
  writeFileSync(join(small, 'empty'), '');
  writeFileSync(join(small, 'one line without an end'), 'one');
  writeFileSync(join(small, 'below', 'three lines'), '1\n2\n3\n');
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
beforeEach(() => {
  temporary = mkdtempSync(join(scratch, 'tmp-'));
});

const living = new Set<ChildProcess>();
afterEach(() => {
  for (const child of living) child.kill('SIGKILL');
});

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';
  #onOutput: () => void = () => undefined;

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, ['--import', 'tsx', main, ...args], {
      cwd: root,
      env: { ...process.env, TMPDIR: temporary, NO_COLOR: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    living.add(this.child);
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#onOutput();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      living.delete(this.child);
      this.#onOutput();
      return { code, signal, stdout: this.#stdout, stderr: this.#stderr };
    });
  }

  /** Resolves once the output matches. */
  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#stdout)) {
      if (!living.has(this.child))
        throw new Error(`it ended without saying ${pattern}:\n${this.#stdout}${this.#stderr}`);
      await new Promise<void>((resolve) => (this.#onOutput = resolve));
    }
  }
}

const run = (...args: readonly string[]): Promise<Ended> => new Program(args).ended;

/** The number before or behind a word of the summary. */
function figure(stdout: string, pattern: RegExp): number {
  return Number((pattern.exec(stdout)?.[1] ?? 'NaN').replaceAll(',', ''));
}

/** The processes that a program has started and that are still there: each is named by the queue it was to join. */
/** What the program has left in its temporary directory. The directory of its ledgers stays for the next start, empty. */
function leftIn(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => path.slice(directory.length + 1).startsWith('treewarden'));
}

function leftovers(): readonly string[] {
  const commands = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return ''; // It ended while we looked.
      }
    });
  return commands.filter((command) => command.includes('main-job/program.ts') && command.includes(temporary));
}

describe('the main job', () => {
  test(
    'does every job once while chaos kills its consumers, says so, and leaves nothing behind',
    async () => {
      const { code, stdout, stderr } = await run(FILES, '--chaos', '12', '--seed', '7');
      expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
      const files = Number(
        spawnSync('sh', ['-c', `find '${FILES}' -type f | wc -l`], { encoding: 'utf8' }).stdout,
      );
      expect(figure(stdout, /jobs +([\d,]+) done of/)).toBe(files);
      expect(stdout).toMatch(/done of [\d,]+, 0 lost, 0 done twice\n/);
      expect(stdout).toMatch(
        /outcomes +0 wrong, 0 of unknown jobs; 0 files unreadable, 0 changed meanwhile\n/,
      );
      expect(stdout).toMatch(/bytes +[\d,]+, as it should be\n/);
      expect(stdout).toMatch(/lines +[\d,]+, as it should be\n/);
      expect(stdout).toMatch(/verdict +every job done exactly once\n/);
      expect(figure(stdout, /restarts +(\d+) survived/)).toBeGreaterThan(0);
      expect(stdout).toMatch(/stop +\d+ ms of 25,000 ms, 0 survivors\n/);
      expect(stdout).toMatch(/main-job\/consumers\/fork-a +\d+ ms/);
      expect(stdout, 'no control characters where there is no terminal').not.toContain('\u001b');
      expect(leftIn(temporary)).toEqual([]);
      expect(leftovers()).toEqual([]);
    },
    RUN_LIMIT_MS,
  );

  test(
    'without chaos restarts nobody, and counts empty files and last lines without an end as wc does',
    async () => {
      const { code, stdout } = await run(small, '--chaos', '0');
      expect(code, stdout).toBe(0);
      expect(stdout).toMatch(/jobs +3 done of 3, 0 lost, 0 done twice\n/);
      expect(stdout).toMatch(/bytes +9, as it should be\n/);
      expect(stdout).toMatch(/lines +3, as it should be\n/);
      expect(stdout).toMatch(/chaos +none\n +restarts +0 survived\n/);
    },
    RUN_LIMIT_MS,
  );

  test(
    'a folder without files is no failure',
    async () => {
      const empty = mkdtempSync(join(scratch, 'empty-'));
      const { code, stdout } = await run(empty);
      expect(code, stdout).toBe(0);
      expect(stdout).toMatch(/jobs +0 done of 0, 0 lost/);
    },
    RUN_LIMIT_MS,
  );
});

describe('Ctrl-C', () => {
  test(
    'in the middle finishes what is in hand, says what is left, and ends by SIGINT',
    async () => {
      const program = new Program([FILES, '--chaos', '6', '--seed', '1']);
      await program.says(/\d of [\d,]+ jobs/);
      program.child.kill('SIGINT');
      const { code, signal, stdout, stderr } = await program.ended;
      // A shell shows this as status 130.
      expect({ code, signal, stderr }, stdout).toEqual({ code: null, signal: 'SIGINT', stderr: '' });
      const total = figure(stdout, /by SIGINT: [\d,]+ of ([\d,]+) jobs done/);
      const done = figure(stdout, /by SIGINT: ([\d,]+) of/);
      expect(figure(stdout, /jobs done, ([\d,]+) left/)).toBe(total - done);
      expect(stdout).toMatch(/stop +\d+ ms of 25,000 ms, 0 survivors\n/);
      expect(leftIn(temporary)).toEqual([]);
      expect(leftovers()).toEqual([]);
    },
    RUN_LIMIT_MS,
  );

  test(
    'with --keep leaves a spool that a later run goes on with',
    async () => {
      const spool = join(temporary, 'spool');
      const first = new Program([FILES, '--spool', spool, '--chaos', '0']);
      await first.says(/\d of [\d,]+ jobs/);
      first.child.kill('SIGINT');
      const { stdout } = await first.ended;
      expect(stdout).toContain(`go on with: npm start -- ${FILES} --spool ${spool}`);

      const { code, stdout: resumed } = await run(FILES, '--spool', spool, '--chaos', '4');
      expect(code, resumed).toBe(0);
      expect(resumed).toMatch(/verdict +every job done exactly once\n/);
      expect(figure(resumed, /of ([\d,]+) jobs/)).toBe(figure(stdout, /of ([\d,]+) jobs done/));
    },
    RUN_LIMIT_MS,
  );
});

describe('kill -9 of the whole program', () => {
  test(
    'loses no job: its forks end, and the spool is gone on with',
    async () => {
      const spool = join(temporary, 'spool');
      const first = new Program([FILES, '--spool', spool, '--chaos', '0']);
      await first.says(/[1-9] of [\d,]+ jobs|checking/);
      first.child.kill('SIGKILL');
      await first.ended;

      const { code, stdout } = await run(FILES, '--spool', spool, '--chaos', '4');
      expect(code, stdout).toBe(0);
      expect(stdout).toMatch(/, 0 lost, 0 done twice\n/);
      expect(leftovers()).toEqual([]);
    },
    RUN_LIMIT_MS,
  );
});

describe('a check that fails', () => {
  test(
    'tells of a lost and of a wrong job, ends with status 1, and keeps the spool',
    async () => {
      const spool = join(temporary, 'spool');
      await run(small, '--spool', spool, '--chaos', '0');
      const done = join(spool, 'done');
      const [first = '', second = ''] = readdirSync(done);
      unlinkSync(join(done, first));
      renameSync(join(done, second), join(done, `${second.split(',')[0]},${'0'.repeat(64)},1,1`));

      const { code, stdout } = await run('--spool', spool, '--chaos', '0');
      expect(code, stdout).toBe(1);
      expect(stdout).toMatch(/jobs +2 done of 3, 1 lost, 0 done twice\n/);
      expect(stdout).toMatch(/outcomes +1 wrong,/);
      expect(stdout).toContain(`lost       ${first.split(',')[0]}`);
      expect(stdout).toMatch(/verdict +FAILED\n/);
      expect(stdout).toContain(`--spool ${spool}`);
    },
    RUN_LIMIT_MS,
  );
});

describe('a queue that breaks every consumer', () => {
  test(
    'is given up: the program says why, ends with status 1, and keeps the spool',
    async () => {
      const spool = join(temporary, 'spool');
      const queue = new SpoolQueue(spool, true);
      await queue.open();
      await queue.fill([{ id: 'job-0', path: join(small, 'empty') }], new AbortController().signal);
      await queue.close();
      writeFileSync(join(spool, 'new', 'batch-000000', 'job-0'), 'not what it should be');

      const { code, stdout, stderr } = await run(small, '--spool', spool, '--chaos', '0');
      expect(code, stdout).toBe(1);
      expect(stdout).toContain('main-job/consumers gives up after 11 restarts\n');
      expect(stdout).toContain('go on with');
      expect(stderr).toMatch(/^The tree "main-job" has failed: gave up: .*SyntaxError/);
      expect(leftovers()).toEqual([]);
    },
    RUN_LIMIT_MS,
  );
});

describe('bad input', () => {
  test(
    'is told in one line, with status 2, and nothing is started',
    async () => {
      const { code, stdout, stderr } = await run('--chaos', 'much');
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toBe('--chaos takes a whole number from 0, not "much".\n');
      expect(readdirSync(temporary)).toEqual(readdirSync(temporary).filter((name) => name.startsWith('tsx')));
    },
    RUN_LIMIT_MS,
  );

  test(
    'a spool that is none is left alone, with status 1',
    async () => {
      const { code, stderr } = await run(small, '--spool', small);
      expect(code).toBe(1);
      expect(stderr).toMatch(/is not empty and is no spool\. .*\n$/);
      expect(readdirSync(small).sort()).toEqual(['below', 'empty', 'one line without an end']);
    },
    RUN_LIMIT_MS,
  );

  test(
    'a Redis that does not answer is told in one line and soon, with status 1',
    async () => {
      const { code, stderr } = await run(small, '--queue', 'redis://:secret@127.0.0.1:1');
      expect(code).toBe(1);
      expect(stderr).toMatch(/^Redis at redis:\/\/127\.0\.0\.1:1 could not be reached: .*ECONNREFUSED.*\n$/);
      expect(stderr).not.toContain('secret');
    },
    RUN_LIMIT_MS,
  );
});

const redisServer = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'redis-server'))
  .find((file) => spawnSync(file, ['--version']).status === 0);

// Redis is optional: without a redis-server in PATH there is nothing to test against, and this group is not there.
if (redisServer !== undefined) {
  describe('with --queue and a real Redis (optional, found in PATH)', () => {
    test(
      'BullMQ loses no job to chaos either, and the queue is removed at the end',
      async () => {
        const port = await freePort();
        const redis = spawn(redisServer, [
          '--port',
          String(port),
          '--bind',
          '127.0.0.1',
          '--save',
          '',
          '--dir',
          temporary,
        ]);
        living.add(redis);
        const gone = once(redis, 'exit');
        try {
          await once(redis.stdout, 'data');
          const { code, stdout, stderr } = await run(
            join(FILES, 'src/internal/operators'),
            '--queue',
            `redis://127.0.0.1:${port}`,
            '--chaos',
            '4',
          );
          expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
          expect(stdout).toMatch(/, 0 lost, 0 done twice\n/);
          expect(stdout).toMatch(/verdict +every job done exactly once\n/);
          const keys = spawnSync('redis-cli', ['-p', String(port), 'dbsize'], { encoding: 'utf8' });
          if (keys.status === 0) expect(keys.stdout.trim()).toBe('0');
        } finally {
          redis.kill('SIGTERM');
          await gone;
          living.delete(redis);
        }
      },
      RUN_LIMIT_MS,
    );
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port could be had');
  return address.port;
}
