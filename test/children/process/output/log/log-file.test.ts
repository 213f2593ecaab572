import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  type LogFile,
  LogFileError,
  type LogFileOptions,
  logFile,
  reopenLogs,
  tai64n,
} from 'treewarden/logs';
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { command } from '../../../../../src/children/index.js';
import type { OutputOrigin, OutputWriter } from '../../../../../src/children/process/process-options.js';
import { InvalidSpecError } from '../../../../../src/core/index.js';
import { systemClock } from '../../../../../src/runtime/index.js';
import { startRecorded } from '../../../../../src/testing/recording-host.js';
import { VirtualClock } from '../../../../../src/testing/virtual-clock.js';

const root = mkdtempSync(join(tmpdir(), 'log-file-'));
afterAll(() => rmSync(root, { recursive: true }));

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(root, 'case-')), 'log');
});

const notes: string[] = [];
const origin: OutputOrigin = {
  path: 'root/web',
  incarnation: 1,
  stream: 'stdout',
  clock: systemClock,
  note: (note) => notes.push(note),
};

const writerOf = async (log: LogFile): Promise<OutputWriter> => log.open(origin);

/** Writes these texts, each as one chunk, by a writer of its own. */
async function writeAll(log: LogFile, ...texts: readonly string[]): Promise<void> {
  const writer = await writerOf(log);
  for (const text of texts) await writer.write(Buffer.from(text));
  await writer.end();
}

const inDirectory = (): readonly string[] => readdirSync(directory).sort();
const rotated = (): readonly string[] => inDirectory().filter((name) => name.startsWith('@'));
const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
/** All that is in the log, oldest first. */
const readLog = (): string => [...rotated(), 'current'].map(read).join('');
const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}\n`).join('');

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe('the files', () => {
  test('are those of multilog: current, and older ones by their time', async () => {
    const log = logFile({ directory, limitBytes: 4096, files: 100 });
    expect(log.path).toBe(join(directory, 'current'));
    await writeAll(log, numbered(1, 2000));
    expect(inDirectory().filter((name) => !/^@[0-9a-f]{24}\.s$/.test(name))).toEqual(['current', 'lock']);
    expect(readLog()).toBe(numbered(1, 2000));
  });

  test('of a path are named after it', async () => {
    const path = join(directory, 'web.log');
    await writeAll(logFile({ path, limitBytes: 4096 }), numbered(1, 1000));
    const names = inDirectory().map((name) => name.replace(/@[0-9a-f]{24}/, '@'));
    expect(new Set(names)).toEqual(new Set(['web.log', 'web.log.@.s', 'web.log.lock']));
  });

  test('are no longer than the limit, end with whole lines, and are no more than their number', async () => {
    await writeAll(logFile({ directory, limitBytes: 4096, files: 3 }), numbered(1, 5000));
    await until(() => rotated().length <= 2);
    for (const name of [...rotated(), 'current']) {
      expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(4096);
      expect(read(name)).toMatch(/^line \d+\n(?:[\s\S]*\n)?$/);
    }
    expect(numbered(1, 5000).endsWith(readLog())).toBe(true);
  });

  test('a line that is longer than the limit has a file to itself', async () => {
    const long = `${'x'.repeat(10_000)}\n`;
    await writeAll(logFile({ directory, limitBytes: 4096 }), `one\n${long}two\n`);
    expect([...rotated().map(read), read('current')]).toEqual(['one\n', long, 'two\n']);
  });

  test('a file is rotated with the first line that comes after its age', async () => {
    const log = logFile({ directory, maxAgeMs: 20 });
    await writeAll(log, 'old\n');
    const madeAtMs = Date.now();
    await until(() => Date.now() > madeAtMs + 30);
    await writeAll(log, 'new\n');
    expect([rotated().map(read), read('current')]).toEqual([['old\n'], 'new\n']);
  });

  test('have the permissions that were asked for', async () => {
    const before = process.umask(0);
    try {
      await writeAll(logFile({ directory, mode: 0o604 }), 'one\n');
    } finally {
      process.umask(before);
    }
    expect(statSync(join(directory, 'current')).mode & 0o777).toBe(0o604);
  });

  test('what is there is gone on with, and a line that a dead program had begun is ended', async () => {
    mkdirSync(directory);
    writeFileSync(join(directory, 'current'), 'whole\nbegun');
    await writeAll(logFile({ directory }), 'mine\n');
    expect(read('current')).toBe('whole\nbegun\nmine\n');
  });

  test('names are new also when the wall clock was set back', async () => {
    mkdirSync(directory);
    const future = new Date('2200-01-01');
    writeFileSync(join(directory, `${tai64n(future)}.s`), 'from the future\n');
    await writeAll(logFile({ directory, limitBytes: 4096 }), numbered(1, 400));
    expect(readLog()).toBe(`from the future\n${numbered(1, 400)}`);
  });
});

describe('the lines', () => {
  test.each([
    ['none', /^a line\n$/],
    ['iso', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z a line\n$/],
    ['tai64n', /^@[0-9a-f]{24} a line\n$/],
    ['monotonic', /^\d+\.\d{6} a line\n$/],
  ] as const)('with timestamps: %s', async (timestamps, shape) => {
    await writeAll(logFile({ directory, timestamps }), 'a li', 'ne\n');
    expect(read('current')).toMatch(shape);
  });

  test('are chosen by patterns, of which the last that matches decides', async () => {
    const select = [
      { exclude: '*' },
      { include: '*error*' },
      { include: /^wärn/g },
      { exclude: 'error: known*' },
    ];
    const text = 'debug\nerror: known 1\nan error\nwärning\nwärning too\nerror';
    await writeAll(logFile({ directory, select }), text);
    expect(read('current')).toBe('an error\nwärning\nwärning too\nerror\n');
  });

  test('of several programs, and of both streams of each, are never mixed', async () => {
    const log = logFile({ directory });
    const script = 'for i in $(seq 1 300); do printf "%s" "$1 "; printf "%s\\n" "$1"; echo "$1 $1" >&2; done';
    const hosts = ['a', 'b', 'c'].map((name) => {
      const spec = command(name, 'sh', ['-c', script, 'sh', name.repeat(50)], { stdout: log, stderr: log });
      return startRecorded(spec).host;
    });
    await Promise.all(hosts.map((host) => host.next('exited')));
    const lines = read('current').trimEnd().split('\n');
    expect(lines).toHaveLength(1800);
    for (const line of lines) expect(line).toMatch(/^(a+|b+|c+) \1$/);
  });

  test('come from both streams of a restarted program into one file', async () => {
    const log = logFile({ directory });
    for (const text of ['one', 'two']) {
      await startRecorded(command('echo', 'echo', [text], { stdout: log })).host.next('exited');
    }
    expect(read('current')).toBe('one\ntwo\n');
  });
});

describe('a processor', () => {
  test('makes of each file what is kept of it', async () => {
    const log = logFile({ directory, limitBytes: 4096, files: 100, processor: ['gzip', '-c'] });
    await writeAll(log, numbered(1, 2000));
    await until(() => rotated().length > 3 && rotated().every((name) => name.endsWith('.s')));
    const old = rotated().map((name) => gunzipSync(readFileSync(join(directory, name))).toString());
    expect(old.join('') + read('current')).toBe(numbered(1, 2000));
  });

  test('that fails costs no line: the file is kept, and tried again', async () => {
    const failing = logFile({
      directory,
      limitBytes: 4096,
      processor: ['sh', '-c', 'echo oh no >&2; exit 3'],
    });
    notes.length = 0;
    await writeAll(failing, numbered(1, 500));
    const writer = await writerOf(failing);
    await until(
      () =>
        notes.some((note) => note.includes('could not be kept')) ||
        !inDirectory().some((name) => name.endsWith('.t')),
    );
    await writer.end();
    expect(readLog()).toBe(numbered(1, 500));
    expect(rotated().every((name) => name.endsWith('.u'))).toBe(true);
  });

  test('that takes long holds up no later start of a program', async () => {
    const clock = new VirtualClock();
    const [begun, goOn] = [join(directory, '..', 'begun'), join(directory, '..', 'goOn')];
    const script = 'touch "$0"; while [ ! -e "$1" ]; do sleep 0.01; done; cat';
    onTestFinished(() => writeFileSync(goOn, ''));
    const log = logFile({ directory, processor: ['sh', '-c', script, begun, goOn] });
    const writer = await log.open({ ...origin, clock });
    await writer.write(Buffer.from('one\n'));
    await log.rotate();
    await until(() => existsSync(begun));
    await writer.end();
    await clock.advance(1000);
    const next = await log.open({ ...origin, clock });
    writeFileSync(goOn, '');
    await next.end();
    await until(() => rotated().length === 1 && rotated().every((name) => name.endsWith('.s')));
  });

  test('that was cut off is run again at the next start, and one that was done is not', async () => {
    mkdirSync(directory);
    const [undone, done] = [tai64n(new Date(1e12)), tai64n(new Date(1e12 + 1))];
    writeFileSync(join(directory, `${undone}.u`), 'undone\n');
    writeFileSync(join(directory, `${undone}.t`), 'half of it');
    writeFileSync(join(directory, `${done}.u`), 'done\n');
    writeFileSync(join(directory, `${done}.s`), 'DONE\n');
    await writeAll(logFile({ directory, processor: ['tr', 'a-z', 'A-Z'] }), 'new\n');
    await until(() => rotated().length === 2 && rotated().every((name) => name.endsWith('.s')));
    expect(readLog()).toBe('UNDONE\nDONE\nnew\n');
  });
});

describe('rotation by others', () => {
  test('reopenLogs() leaves all that came before in the old file, and goes on in a new one', async () => {
    const writer = await writerOf(logFile({ directory }));
    await writer.write(Buffer.from(numbered(1, 1000)));
    renameSync(join(directory, 'current'), join(directory, 'moved'));
    void writer.write(Buffer.from(numbered(1001, 2000)));
    await reopenLogs();
    await writer.write(Buffer.from(numbered(2001, 3000)));
    await writer.end();
    expect(read('moved') + read('current')).toBe(numbered(1, 3000));
    expect(read('current').endsWith(numbered(2001, 3000))).toBe(true);
  });

  test('rotate() rotates a file that has something in it', async () => {
    const log = logFile({ directory });
    const writer = await writerOf(log);
    await log.rotate();
    expect(rotated()).toEqual([]);
    await writer.write(Buffer.from('one\n'));
    await log.rotate();
    await writer.end();
    expect([rotated().map(read), read('current')]).toEqual([['one\n'], '']);
  });
});

describe('what is refused', () => {
  test.runIf(existsSync('/usr/bin/flock'))('a second writer fails, and is told of the first', async () => {
    const writer = await writerOf(logFile({ directory }));
    const second = startRecorded(command('echo', 'echo', ['two'], { stdout: logFile({ directory }) }));
    const { exit } = await second.host.next('exited');
    await writer.end();
    expect(exit).toMatchObject({
      type: 'not-started',
      error: { message: expect.stringContaining(`the process ${process.pid} writes there`) },
    });
  });

  test.runIf(existsSync('/usr/bin/multilog'))('so does a multilog on the same directory', async () => {
    const writer = await writerOf(logFile({ directory }));
    const multilog = spawn('multilog', [directory], { stdio: ['ignore', 'ignore', 'pipe'] });
    const said = await new Promise<string>((resolve) =>
      multilog.stderr.once('data', (text) => resolve(String(text))),
    );
    multilog.kill('SIGKILL');
    await writer.end();
    expect(said).toContain('unable to lock directory');
  });

  test('a directory that cannot be made is told with its path and the reason', async () => {
    appendFileSync(join(directory, '..', 'file'), '');
    const path = join(directory, '..', 'file', 'log');
    const opening = Promise.resolve(logFile({ directory: path }).open(origin));
    await expect(opening).rejects.toThrow(LogFileError);
    await expect(opening).rejects.toMatchObject({ errno: 'ENOTDIR', operation: 'open' });
  });

  test.runIf(existsSync('/proc/self/fd'))(
    'a directory that the system lets nobody make is told, and not tried for ever',
    async () => {
      const opening = Promise.resolve(logFile({ directory: '/proc/nowhere/log' }).open(origin));
      await expect(opening).rejects.toMatchObject({ errno: 'ENOENT', operation: 'open' });
    },
  );

  test.runIf(existsSync('/proc/self/fd'))('one that cannot be recovered leaves no file open', async () => {
    mkdirSync(join(directory, `${tai64n(new Date(1e12))}.t`), { recursive: true });
    await expect(writerOf(logFile({ directory }))).rejects.toThrow(LogFileError);
    const open = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        // That of the listing itself.
        return '';
      }
    });
    expect(open.filter((path) => path.startsWith(directory))).toEqual([]);
  });

  test.each<[string, LogFileOptions]>([
    ['neither a directory nor a path', {}],
    ['both', { directory: '/a', path: '/b' }],
    ['a limit below 4096', { directory: '/a', limitBytes: 4095 }],
    ['a single file', { directory: '/a', files: 1 }],
    ['a pattern of both kinds', { directory: '/a', select: [{ include: 'a', exclude: 'b' }] as never }],
    ['an empty processor', { directory: '/a', processor: [] }],
    ['a misspelt option', { directory: '/a', limitbytes: 5000 } as never],
  ])('%s', (_, options) => {
    expect(() => logFile(options)).toThrow(InvalidSpecError);
  });
});
