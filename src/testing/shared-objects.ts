import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * What this process has of shared memory, each thing by a name, once for each hold on it: System V segments that it has made, shared memory that it
 * has mapped or open, and the ledgers of registries that it has not closed. Nothing where there is no /proc.
 *
 * Only what the kernel says of this very process is listed, so that no other program is blamed on it. A System V semaphore set does not
 * tell its maker, and a closed file in /dev/shm neither; those of a registry have a ledger.
 */
export function sharedObjects(): readonly string[] {
  return [...segmentsMade(), ...mapped(), ...opened()];
}

/** @see proc(5): /proc/sysvipc/shm */
function segmentsMade(): readonly string[] {
  const [head = '', ...lines] = linesOf('/proc/sysvipc/shm').map((line) => line.trim().split(/\s+/));
  const id = head.indexOf('shmid');
  const maker = head.indexOf('cpid');
  return lines
    .filter((cells) => cells[maker] === String(process.pid))
    .map((cells) => `System V segment ${cells[id]}`);
}

/** A line of maps ends in its inode, which is the id of a segment, and its path. */
function mapped(): readonly string[] {
  return linesOf('/proc/self/maps').flatMap((line) => {
    const [, inode, path = ''] = / (\d+) +(\/.+)$/.exec(line) ?? [];
    if (path.startsWith('/SYSV')) return [`mapped System V segment ${inode}`];
    return isMemory(path) ? [`mapped ${path} (inode ${inode})`] : [];
  });
}

function opened(): readonly string[] {
  return namesIn('/proc/self/fd').flatMap((fd) => {
    const path = targetOf(`/proc/self/fd/${fd}`);
    if (LEDGER.test(path)) return [`ledger of an open registry, ${path}`];
    return isMemory(path) ? [`descriptor ${fd} of ${path}`] : [];
  });
}

/** The table of mappings is made once per thread, has no name elsewhere, and goes with the process. */
function isMemory(path: string): boolean {
  return /^\/(dev\/shm\/|memfd:)/.test(path) && !path.startsWith('/memfd:treewarden-mappings-');
}

const LEDGER = /\/\d+-\d+-[0-9a-f]{12}\.ledger$/;

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    // Not Linux: none of this is counted there.
    return [];
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    // As above.
    return [];
  }
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    // The descriptor that its directory was read by is closed by now.
    return '';
  }
}
