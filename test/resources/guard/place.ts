import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Native, SystemV } from '../../../src/resources/backend/backend.js';
import { loadNative } from '../../../src/resources/backend/choose.js';
import { GUARDIAN_SCRIPT } from '../../../src/resources/guard/guardian-script.js';
import { bootId, namespace, startTicks, thisProcess } from '../../../src/resources/guard/identity.js';
import { guardianLine, headerLine, type LedgerHeader } from '../../../src/resources/guard/lines.js';
import { segments, semaphoreSets } from '../../../src/resources/inspect/system-v.js';

/** Libc, where koffi is installed: without it there is nobody to make System V objects. */
export const NATIVE: Native | undefined = await loadNative('auto');
export const SYSTEM_V: SystemV | undefined = NATIVE?.systemV;

/** Something that exists or not. */
export interface Thing {
  readonly what: string;
  exists(): boolean;
}

/** Where a test makes things. All of them are gone when it is closed. */
export class Place {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'treewarden-guard-'));
  readonly stateDir: string = join(this.dir, 'state');
  readonly #undo: (() => void)[] = [];

  at(name: string): string {
    return join(this.dir, name);
  }

  file(name: string, text = ''): Thing & { path: string; dev: number; ino: number } {
    const path = this.at(name);
    writeFileSync(path, text);
    return { ...thing(path), path, dev: statSync(path).dev, ino: statSync(path).ino };
  }

  directory(name: string): Thing & { path: string; dev: number; ino: number } {
    const path = this.at(name);
    mkdirSync(join(path, 'a b'), { recursive: true });
    writeFileSync(join(path, 'a b', 'c'), '');
    return { ...thing(path), path, dev: statSync(path).dev, ino: statSync(path).ino };
  }

  segment(key: number, bytes = 4096): Thing & { key: number; id: number; bytes: number; cpid: number } {
    const id = systemV().createSegment(key, bytes, 0o600);
    this.undo(
      () => segments().some((one) => one.id === id && one.key === key) && systemV().removeSegment(id),
    );
    return {
      what: `segment ${id}`,
      key,
      id,
      bytes,
      cpid: process.pid,
      exists: () => segments().some((one) => one.id === id),
    };
  }

  set(key: number, count = 2): Thing & { key: number; id: number; count: number; changedAtS: number } {
    const id = systemV().createSemaphores(key, count, 0o600);
    this.undo(
      () => semaphoreSets().some((one) => one.id === id && one.key === key) && systemV().removeSemaphores(id),
    );
    const changedAtS = semaphoreSets().find((one) => one.id === id)?.changedAtS ?? 0;
    return {
      what: `set ${id}`,
      key,
      id,
      count,
      changedAtS,
      exists: () => semaphoreSets().some((one) => one.id === id),
    };
  }

  /** The leader of a group, running a script of the shell; resolves when it has said a line. */
  async group(script: string): Promise<Thing & { child: ChildProcess; pid: number; startTicks: number }> {
    const child = spawn('sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    const pid = child.pid ?? 0;
    this.undo(() => killGroup(pid));
    await once(child.stdout, 'data');
    return {
      what: `group ${pid}`,
      child,
      pid,
      startTicks: startTicks(pid) ?? 0,
      exists: () => groupLives(pid),
    };
  }

  /** A process in a group of its own with this environment besides ours, running a script of the shell; resolves when it has said a line. */
  async process(
    script: string,
    environment: NodeJS.ProcessEnv,
  ): Promise<Thing & { pid: number; startTicks: number }> {
    const child = spawn('sh', ['-c', script], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...environment },
    });
    const pid = child.pid ?? 0;
    this.undo(() => killGroup(pid));
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    const shown = Number(said.toString());
    const whose = Number.isInteger(shown) && shown > 1 ? shown : pid;
    this.undo(() => killProcess(whose));
    return {
      what: `process ${whose}`,
      pid: whose,
      startTicks: startTicks(whose) ?? 0,
      exists: () => processLives(whose),
    };
  }

  undo(undo: () => unknown): void {
    this.#undo.push(() => void undo());
  }

  /** Puts a ledger of a dead owner there: by default of this very pid, but of another start. */
  ledger(
    lines: readonly string[],
    header: Partial<LedgerHeader> = {},
  ): { path: string; header: LedgerHeader } {
    const whole = { ...deadHeader(), ...header };
    const dir = join(this.stateDir, whole.scope);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const path = join(dir, `${whole.owner.pid}-${whole.owner.startTicks}-${lines.length}abcdef.ledger`);
    writeFileSync(path, headerLine(whole) + lines.join(''), { mode: 0o600 });
    return { path, header: whole };
  }

  close(): void {
    for (const undo of this.#undo.reverse()) undo();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export function thing(path: string): Thing {
  return { what: path, exists: () => lstatSync(path, { throwIfNoEntry: false }) !== undefined };
}

export function deadHeader(): LedgerHeader {
  const { pid } = thisProcess();
  return {
    scope: 'shop',
    owner: { pid, tid: pid, startTicks: 1 },
    pidNamespace: namespace('pid'),
    ipcNamespace: namespace('ipc'),
    mountNamespace: namespace('mnt'),
    bootId: bootId(),
    uid: process.getuid?.() ?? 0,
  };
}

let keys = 0;
/** A key that nobody else uses. */
export function freshKey(): number {
  for (;;) {
    const key = (0x54_00_00_00 + (process.pid % 0xffff) * 0x100 + (keys++ % 0x100)) | 0;
    if (![...segments(), ...semaphoreSets()].some((one) => one.key === key)) return key;
  }
}

/** Runs the guardian on a ledger whose owner ends at once. @returns what it wrote to standard error */
export async function runGuardian(
  [shell, ...args]: readonly [string, ...string[]],
  ledger: { path: string; header: LedgerHeader },
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const { pid, startTicks } = ledger.header.owner;
  const child = spawn(
    shell,
    [
      ...args,
      '-c',
      'eval "$TREEWARDEN_GUARDIAN"',
      'treewarden-guardian',
      ledger.path,
      String(pid),
      String(startTicks),
      '1',
    ],
    {
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
      cwd: '/',
      env: { ...process.env, ...environment, TREEWARDEN_GUARDIAN: GUARDIAN_SCRIPT },
    },
  );
  const guardian = child.pid ?? 0;
  if (existsSync(ledger.path))
    appendFileSync(ledger.path, guardianLine({ pid: guardian, tid: guardian, startTicks: 1 }));
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdin.end();
  await once(child, 'close');
  return stderr;
}

export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

let marks = 0;
/** A mark that nobody else uses. */
export function freshMark(): string {
  return `${process.pid}x${marks++}x${Date.now().toString(36)}`.padEnd(16, 'z');
}

/** Whether a group has a member that is no zombie: who reaps orphans here may take its time. */
export function groupLives(pid: number): boolean {
  return readdirSync('/proc').some((name) => /^\d+$/.test(name) && living(Number(name))?.group === pid);
}

export function processLives(pid: number): boolean {
  return living(pid) !== undefined;
}

function living(pid: number): { group: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : { group: Number(group) };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

function systemV(): SystemV {
  if (SYSTEM_V === undefined) throw new Error('this test needs koffi');
  return SYSTEM_V;
}
