import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lifeOf } from '../../src/resources/guard/identity.js';
import { capabilities } from '../../src/resources/index.js';
import { endAll, type Program, run } from '../app/program.js';

const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const holder = fileURLToPath(new URL('fixtures/holds-and-waits.mjs', import.meta.url));
const native = (await capabilities()).some(({ name, there }) => name === 'system-v' && there);

let stateDir: string;

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'treewarden-cli-'));
});

afterEach(async () => {
  await endAll();
  rmSync(stateDir, { recursive: true, force: true });
});

/** Runs the built program to its end. */
function treewarden(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const place = ['doctor', 'reclaim'].includes(args[0] ?? '') ? ['--state-dir', stateDir] : [];
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args, ...place], {
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: undefined },
  });
  return { status, stdout, stderr };
}

interface Held {
  readonly key: number;
  readonly memory: string;
  readonly file: string;
}

/** A host that was killed together with its guardian, so that nobody has released anything. */
async function leave(scope: string): Promise<Held> {
  const host = run(process.execPath, [holder, scope, stateDir]);
  const held = JSON.parse(await host.says(/^\{/)) as Held;
  process.kill(guardianOf(scope), 'SIGSTOP');
  const guardian = guardianOf(scope);
  host.kill('SIGKILL');
  await host.ended;
  process.kill(guardian, 'SIGKILL');
  return held;
}

/** As the ledger says: `g <pid> <startTicks> .` */
function guardianOf(scope: string): number {
  const [ledger = ''] = readdirSync(join(stateDir, scope));
  return Number(/^g (\d+)/m.exec(readFileSync(join(stateDir, scope, ledger), 'latin1'))?.[1]);
}

function isListed(key: number): boolean {
  return ['shm', 'sem'].some((table) =>
    readFileSync(`/proc/sysvipc/${table}`, 'utf8')
      .split('\n')
      .some((line) => Number(line.trim().split(/\s+/)[0]) === key),
  );
}

describe('treewarden', () => {
  test('prints the version of the package', () => {
    const manifest = fileURLToPath(new URL('../../package.json', import.meta.url));
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    expect(treewarden('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('names the command that was probably meant', () => {
    const { status, stdout, stderr } = treewarden('recliam');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toBe('treewarden: There is no command "recliam". Did you mean "reclaim"?\n');
  });

  test('a reader that has gone ends nothing, and is no error', () => {
    const line = `"${process.execPath}" "${program}" doctor --state-dir "${stateDir}" | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
    expect(stdout.split('\n')).toEqual([expect.stringMatching(/^treewarden \d/), '0', '']);
    expect(stderr).toBe('');
  });

  test('prints no colours where nobody sees them, and colours on a terminal unless NO_COLOR is set', () => {
    const onTerminal = (env: NodeJS.ProcessEnv): string =>
      spawnSync(
        'script',
        ['-qec', `${process.execPath} ${program} doctor --state-dir ${stateDir}`, '/dev/null'],
        {
          encoding: 'utf8',
          // An environment of its own: CI, for one, also turns colours off.
          env: { PATH: process.env['PATH'], TERM: 'xterm-256color', ...env },
        },
      ).stdout;
    expect(treewarden('doctor').stdout).not.toContain('\u001b[');
    expect(onTerminal({})).toContain('\u001b[32myes');
    expect(onTerminal({ NO_COLOR: '1' })).not.toContain('\u001b[');
  });
});

describe('treewarden doctor', () => {
  test('shows capabilities and limits, and that there is nothing to reclaim', () => {
    const { status, stdout, stderr } = treewarden('doctor');
    expect(stdout, stderr).toMatch(/^Capabilities$/m);
    expect(stdout).toMatch(/^ {2}kernel\.shmmni +[\d ]+ +of +[\d ]+/m);
    expect(stdout).toMatch(/There is nothing to reclaim/);
    expect(status).toBe(0);
  });

  test('prints JSON for programs', () => {
    const { status, stdout } = treewarden('doctor', '--json');
    const found = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(found)).toEqual(
      expect.arrayContaining([
        'version',
        'node',
        'stateDir',
        'capabilities',
        'limits',
        'leftovers',
        'reclaim',
      ]),
    );
    expect(found['stateDir']).toBe(stateDir);
    expect(status).toBe(0);
  });

  test('refuses a scope that is none', () => {
    const { status, stderr } = treewarden('doctor', '--scope', '../etc');
    expect(status).toBe(1);
    expect(stderr).toMatch(/scope/);
  });
});

describe.runIf(native)('what a killed host has left', () => {
  test('is found by doctor, shown by a dry run, and released by reclaim, once', async () => {
    const { key, memory, file } = await leave('shop');

    const doctor = treewarden('doctor');
    expect(doctor.stdout).toMatch(/4 left by dead programs: treewarden reclaim releases them/);
    expect(doctor.stdout).toMatch(/treewarden reclaim releases it$/m);
    expect(doctor.status).toBe(3);

    const dry = treewarden('reclaim', '--dry-run');
    expect(dry.stdout).toMatch(
      /^4 would be released\.\n\nshop: pid \d+, dead; what it has left would be released$/m,
    );
    expect(dry.stdout).toContain(`file ${memory}`);
    expect(dry.status).toBe(3);
    expect([isListed(key), existsSync(memory), existsSync(file)]).toEqual([true, true, true]);

    const done = treewarden('reclaim');
    expect(done.stdout, done.stderr).toMatch(/^4 released\.$/m);
    expect(done.status).toBe(0);
    expect([isListed(key), existsSync(memory), existsSync(file)]).toEqual([false, false, false]);

    expect(treewarden('reclaim')).toEqual({ status: 0, stdout: '0 released.\n', stderr: '' });
  }, 30_000);

  test('of another scope is left alone', async () => {
    const { key, memory } = await leave('shop');
    expect(treewarden('reclaim', '--scope', 'other')).toEqual({
      status: 0,
      stdout: '0 released.\n',
      stderr: '',
    });
    expect([isListed(key), existsSync(memory)]).toEqual([true, true]);
    const { ledgers } = JSON.parse(treewarden('reclaim', '--json', '--scope', 'shop').stdout) as {
      ledgers: readonly { verdict: string; entries: readonly { outcome: string }[] }[];
    };
    expect(ledgers.map(({ verdict }) => verdict)).toEqual(['reclaimed']);
    expect(ledgers[0]?.entries.map(({ outcome }) => outcome)).toEqual(Array(4).fill('released'));
    expect(isListed(key)).toBe(false);
  }, 30_000);

  test('is not taken from a host that lives', async () => {
    const host: Program = run(process.execPath, [holder, 'shop', stateDir]);
    const { key } = JSON.parse(await host.says(/^\{/)) as Held;
    const { status, stdout } = treewarden('reclaim');
    expect(stdout).toMatch(/^0 released\.\n\nshop: pid \d+, alive; what it has is left alone$/m);
    expect(status).toBe(0);
    expect(isListed(key)).toBe(true);
    const guardian = guardianOf('shop');
    host.kill('SIGKILL');
    await host.ended;
    // Its guardian releases; a reclaim meanwhile waits for it.
    treewarden('reclaim');
    const guardianLife = (): string => lifeOf({ pid: guardian, tid: guardian, startTicks: 0 });
    await expect.poll(() => [isListed(key), guardianLife()], { timeout: 10_000 }).toEqual([false, 'dead']);
  }, 30_000);
});
