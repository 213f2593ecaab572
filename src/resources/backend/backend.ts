/**
 * What the rest of this room needs of the operating system, and no more: about 25 functions of libc behind words of our own. No pointer leaves
 * a backend. Every call returns at once; what would block answers `false` or `'busy'` instead.
 *
 * What the operating system refuses is thrown as a {@link SystemCallError}; the callers turn that into the typed errors of `core/`.
 */
export interface Native {
  readonly name: NativeName;
  /** Maps the first `bytes` of an open file, shared with all who map it. The file must be that long already, or reading it ends the process. */
  map(fd: number, bytes: number, access: MapAccess): Mapping;
  /**
   * Makes a file of a memory file system that long, with its pages reserved: a full one is ENOSPC here, and never SIGBUS later.
   * Never shrinks.
   */
  allocate(fd: number, bytes: number): void;
  /** Memory with a descriptor and no name; gone with its last user. Close-on-exec. */
  memfd(name: string): number;
  /**
   * Gives memory of {@link memfd} the size that it has for good: nobody who is handed it can make it shorter, which would end by SIGBUS whoever has
   * it mapped, or longer.
   * @returns false for other files, and where there are no such seals
   */
  seal(fd: number): boolean;
  /** Takes or gives up the `flock` of an open file description; false where another has it. */
  flock(fd: number, how: FlockHow): boolean;
  /** Robust mutexes of libc, which tell the next owner of a holder's death; undefined where libc has none. */
  readonly robustMutex: RobustMutexes | undefined;
  /** System V shared memory and semaphore sets; undefined where the system has none. */
  readonly systemV: SystemV | undefined;
  /** POSIX named semaphores; undefined where the system has none. */
  readonly namedSemaphores: NamedSemaphores | undefined;
  /** Takes notice of the end of a child that nobody else waits for; false where it has not ended, or is none of this process. */
  readonly reap?: ((pid: number) => boolean) | undefined;
  /** The kernel's id of the calling thread; the main thread's is the pid. */
  threadId(): number;
  /**
   * Unmaps what threads of this process left mapped that are gone: terminated, they could not do it themselves. A segment that is marked to be
   * removed is gone only then. Each thread does it once when it loads its backend. 0 where threads cannot be told apart, as outside of Linux.
   * @returns how many mappings that were
   */
  sweepThreads(): number;
  /**
   * Waits, without a thread of JavaScript's, until the word at `offset` is no longer `expected`, somebody calls {@link wake}, or the time is over.
   * May return early, as when another wait of this thread is under way: look at the word again, and have a timer of your own.
   * Undefined where the backend cannot wait beside the event loop; poll then.
   */
  readonly wait?: (mapping: Mapping, offset: number, expected: number, timeoutMs: number) => Promise<void>;
  /** Wakes everybody, in any process, who waits for the word at `offset`. */
  readonly wake?: (mapping: Mapping, offset: number) => void;
}

/** What reaches libc: the optional package, or what newer Nodes bring themselves. */
export type NativeName = 'koffi' | 'node:ffi';
/**
 * - `read`: the kernel refuses writes, by ending the process with SIGSEGV. For code that surely never writes.
 * - `write`: written through to everybody.
 * - `copy-on-write`: follows what others write, and may be written to by mistake: then the touched page (4 KiB or more) is this mapping's own
 *   from there on, and follows no more. For what is handed to a reader. Of System V segments there is no such view, so it is `read` there.
 */
export type MapAccess = 'read' | 'write' | 'copy-on-write';
export type FlockHow = 'exclusive' | 'shared' | 'unlock';

/**
 * A stretch of shared memory. After `close` its views are harmless: detached where Node can detach them (22 and later), zeros of our
 * own before that; never SIGSEGV.
 */
export interface Mapping {
  /** The same bytes that every other user sees. @throws ReleasedError once closed */
  readonly bytes: Uint8Array;
  readonly closed: boolean;
  /** Keeps it from being closed, as a held lock in it must. Returns what lets go; that may be called twice. */
  pin(why: string): () => void;
  /** Unmaps. Safe to call twice. @throws LockStateError while it is pinned */
  close(): void;
}

/** How a try at a robust mutex ended. */
export type RobustTry =
  | 'locked'
  /** Ours, and its previous owner died with it: what it guards may be half done. */
  | 'owner-died'
  | 'busy'
  /** Somebody unlocked it after a death without saying that its state is good again: of no use any more. */
  | 'unrecoverable';

/** libc's robust mutexes, at an offset of a mapping. The calling *thread* is the owner, so lock and unlock on the same one. */
export interface RobustMutexes {
  /** How many bytes one takes. */
  readonly bytes: number;
  /** Which libc's layout it is, such as `glibc-x64`: another one must not touch it. */
  readonly layout: string;
  initialise(mapping: Mapping, offset: number): void;
  tryLock(mapping: Mapping, offset: number): RobustTry;
  /** After `'owner-died'`: the state that it guards is good again. */
  markConsistent(mapping: Mapping, offset: number): void;
  unlock(mapping: Mapping, offset: number): void;
  /** One mutex found once, for those who lock it often. */
  at(mapping: Mapping, offset: number): RobustMutex;
}

/** A robust mutex at its place. Its mapping is pinned until `end`. */
export interface RobustMutex {
  tryLock(): RobustTry;
  markConsistent(): void;
  unlock(): void;
  /** Lets the mapping go. Safe to call twice; nothing else may be called after that. */
  end(): void;
}

/** System V shared memory and semaphores. Ids and keys are the kernel's. */
export interface SystemV {
  /** Makes a segment that did not exist. @returns its id */
  createSegment(key: number, bytes: number, mode: number): number;
  /** @returns the id of an existing segment */
  openSegment(key: number): number;
  /** @param bytes - how many of the segment's bytes to show, at most as many as it has */
  attach(id: number, bytes: number, access: MapAccess): Mapping;
  /** Marks it: it is gone when the last user has detached. */
  removeSegment(id: number): void;
  createSemaphores(key: number, count: number, mode: number): number;
  openSemaphores(key: number): number;
  setValues(id: number, values: readonly number[]): void;
  value(id: number, index: number): number;
  /**
   * Adds `delta` to a semaphore; false where it would have to wait. With `undo` the kernel takes it back when this *process* ends.
   */
  add(id: number, index: number, delta: number, undo: boolean): boolean;
  removeSemaphores(id: number): void;
}

/** POSIX named semaphores; names begin with a slash. */
export interface NamedSemaphores {
  create(name: string, value: number, mode: number): NamedSemaphore;
  open(name: string): NamedSemaphore;
  unlink(name: string): void;
}

export interface NamedSemaphore {
  readonly value: number;
  /** Takes a permit; false where there is none. */
  tryWait(): boolean;
  post(): void;
  /** Safe to call twice; used after that it throws. */
  close(): void;
}

/** What the operating system said, in Node's own shape. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';

  constructor(
    readonly syscall: string,
    /** Its symbolic name, such as `ENOSPC`. */
    readonly code: string,
    readonly errno: number,
  ) {
    super(`${syscall}: ${code} (errno ${errno})`);
  }
}
