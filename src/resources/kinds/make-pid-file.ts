import type { Stats } from 'node:fs';
import { ResourceExistsError } from '../../core/index.js';
import { LockedFile, pidIn } from '../files/locked-file.js';
import { startTicks } from '../guard/identity.js';
import { named } from '../inspect/processes.js';
import { readText } from '../inspect/read.js';
import type { Claim, Make } from '../site.js';
import { checkedPidFile, type LockedFileFacts, type PidFileRequest } from './file-lock.js';

/** The owner's half of a pid file: holds its lock, and writes the pid. */
export const makePidFile: Make<PidFileRequest> = async (asked, site): Promise<Claim> => {
  const { path, pid } = checkedPidFile(asked);
  const subject = `pid-file "${path}"`;
  const admit = (content: string, stat: Stats): void => refuseIfTaken(subject, content, stat);
  const file = await LockedFile.lock({ subject, path, pid, timeoutMs: 0, advice: ADVICE, admit }, site);
  const facts: LockedFileFacts = { path, pid };
  const release = (): void => file.release();
  return { name: path, facts, release, releaseSync: release, users: () => [`pid ${pid}`] };
};

const ADVICE = 'End that process, or choose another path.';

/** Nobody of ours has it, or it would be locked; but other programs write pid files without a lock. */
function refuseIfTaken(subject: string, content: string, stat: Stats): void {
  if (content.trim() === '') return;
  const pid = pidIn(content);
  if (pid === undefined) {
    throw new ResourceExistsError(
      subject,
      undefined,
      'it holds something that is no pid. It was not touched; choose another path.',
    );
  }
  if (pid === process.pid || hasEnded(pid, stat.mtimeMs / 1000)) return;
  throw new ResourceExistsError(subject, named(pid), `${named(pid)} runs, and wrote it. ${ADVICE}`);
}

/** Whether the process that wrote its pid at that moment has ended: there is none, or it started after that. */
function hasEnded(pid: number, writtenAtS: number): boolean {
  const ticks = startTicks(pid);
  if (ticks === undefined) return !exists(pid);
  const bootedAtS = Number(/^btime (\d+)/m.exec(readText('/proc/stat') ?? '')?.[1]);
  return bootedAtS + ticks / TICKS_PER_S > writtenAtS + SLACK_S;
}

/** @see proc(5): the clock tick that Linux shows to programs is always this long. */
const TICKS_PER_S = 100;
/** The kernel tells the moment of boot in whole seconds. */
const SLACK_S = 2;

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
