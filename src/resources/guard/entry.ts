/**
 * What the ledger knows of a resource: enough to find it, to be sure that it is ours, and to release it when everybody who could is dead.
 *
 * Each entry is written in two steps, *want* before the thing exists and *have* once its identity is known. What can be lost between the two is
 * made so that it can be recognised all the same:
 *
 * - A file is made under a random name that nobody else uses (`paths[0]`), and is linked to its proper name (`paths[1]`) when the ledger knows
 *   its device and inode. Without a *have* only the random name is removed; with it, every name that still leads to that inode.
 * - A file that several owners share is listed by each of them. Its proper name is removed by the last of them: see {@link SharedFileEntry}.
 * - A System V object has a key that did not exist when it was wanted. A segment shows its creator's pid; a set its time of change.
 * - A process group is known by its leader's pid and start time.
 * - Processes that carry a mark are known by that alone: it is random, and in the environment of all that are started with it.
 */
export type Entry =
  | FileEntry
  | SharedFileEntry
  | DirectoryEntry
  | SegmentEntry
  | SemaphoreSetEntry
  | GroupEntry
  | MarkedEntry
  | CommandEntry;

/** A file, a POSIX shared memory object, a named semaphore, a socket. */
export interface FileEntry {
  readonly type: 'file';
  /** The random name first, then the proper one if there is any. Absolute. */
  readonly paths: readonly [string, ...string[]];
  /** Whether it is on a disk, and so survives a reboot: its entry is then written through to the disk as well. */
  readonly onDisk: boolean;
}

/**
 * A file that several owners use by its proper name: whoever made it, and whoever found it there. Of those whose ledgers lie in one directory,
 * the last one removes that name.
 */
export interface SharedFileEntry {
  readonly type: 'shared-file';
  /** The random name, which is this owner's alone, and the proper one. Absolute. */
  readonly paths: readonly [string, string];
  readonly onDisk: boolean;
}

/** A directory with everything in it. Its name is random, so that the name alone makes it ours. */
export interface DirectoryEntry {
  readonly type: 'directory';
  readonly path: string;
  readonly onDisk: boolean;
}

/** A System V segment of shared memory. */
export interface SegmentEntry {
  readonly type: 'sysv-shm';
  readonly key: number;
  readonly bytes: number;
}

/** A System V semaphore set. */
export interface SemaphoreSetEntry {
  readonly type: 'sysv-sem';
  readonly key: number;
  readonly count: number;
}

/** A process group to be ended before anything is released. */
export interface GroupEntry {
  readonly type: 'group';
  readonly pid: number;
  /** How long it may take to end by itself, in ms; `Infinity` is waited for. */
  readonly graceMs: number;
  /** Sent first, at once; without it the group is only waited for until its grace is over. */
  readonly signal: NodeJS.Signals | undefined;
  /** Sent to the leader alone before `signal`, which waits until the leader has ended or this is over; `graceMs` runs meanwhile. */
  readonly drain?: GroupDrain | undefined;
}

/** How a leader is told to finish its work by itself. */
export interface GroupDrain {
  readonly signal: NodeJS.Signals;
  /** How long it has for that, in ms. */
  readonly ms: number;
}

/** Processes that carry a mark in their environment, and whatever they have started: to be ended before anything is released. */
export interface MarkedEntry {
  readonly type: 'marked';
  /** What stands before the colon in their `TREEWARDEN_MARK`: 16 to 64 small letters and digits. */
  readonly mark: string;
  /** How long they may take to end after SIGTERM, in ms. Those in a group of the same ledger are given what that group has. */
  readonly graceMs: number;
}

/** A command to run when this process can no longer release the resource itself. */
export interface CommandEntry {
  readonly type: 'command';
  readonly argv: readonly [string, ...string[]];
}

/** What tells the thing from every other one, once it exists. */
export type Identity =
  | { readonly type: 'file' | 'shared-file' | 'directory'; readonly dev: number; readonly ino: number }
  | { readonly type: 'sysv-shm'; readonly id: number; readonly cpid: number }
  | { readonly type: 'sysv-sem'; readonly id: number; readonly changedAtS: number }
  /** By field 22 of /proc/pid/stat, in clock ticks since boot: proc(5). */
  | { readonly type: 'group'; readonly startTicks: number }
  | { readonly type: 'command' | 'marked' };

/** One entry in the ledger, from `want` on. */
export interface Written {
  readonly entry: Entry;
  /** The thing exists and this is it. Synchronous: on return it is in the ledger. */
  have(identity: Identity): void;
  /** This owner is about to look whether it is the last that uses a shared file: whoever comes now has to wait for its `drop`. */
  leave(): void;
  /** It is released, or was never made. Safe to call twice. */
  drop(): void;
}

/** The durable list of what this owner has to release. */
export interface Ledger {
  /** Where it is. */
  readonly path: string;
  /**
   * Writes down that `entry` is about to exist. Synchronous: what it returns from is known to the guardian whatever happens next.
   * @param identity - of what exists already, which takes no second write
   * @throws ResourceError if it cannot be written; then nothing may be made
   */
  want(entry: Entry, identity?: Identity): Written;
  /** Everything wanted and not dropped, oldest first. */
  readonly written: readonly Written[];
  /** Removes the file, where nothing is left in it. Safe to call twice. */
  close(): void;
}
