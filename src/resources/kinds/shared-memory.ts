import { checkNames } from '../../core/index.js';
import type { ResourceKind, ResourceRequest } from '../../runtime/index.js';
import type { NativeName } from '../backend/backend.js';
import { checkName, checkWhole, refuse, subjectOf } from '../checks.js';
import type { FileIdentity } from '../inspect/holders.js';
import { kindOf } from '../kind.js';
import { attachMemory, type SharedMemory } from './memory-lease.js';

/** What shared memory is made of. */
export type MemoryBacking =
  /** A file in memory with a name, which any program finds: `shm_open('/name')`, or /dev/shm/name. */
  | 'posix'
  /** A System V segment: by a key that any program finds, or, without one, gone with its last user whatever happens. */
  | 'system-v'
  /** A descriptor without a name, to be handed to children; gone with its last user whatever happens. */
  | 'anonymous';

/** How much memory, by which name, and whether it is made or only used. */
export interface SharedMemoryOptions {
  /** How it is called. With the backing `'posix'` other programs find it by this name. */
  readonly name?: string;
  /** Its size in bytes, from 1. May be left out when it is attached to: then all that is there. */
  readonly bytes?: number;
  /** @defaultValue `'system-v'` with a key, `'posix'` with a name, else `'anonymous'` */
  readonly backing?: MemoryBacking;
  /** A System V key, as `ftok` makes them. */
  readonly key?: number;
  /** Who may use it, as of a file, whatever the umask is; without effect with `attach`. @defaultValue 0o600 */
  readonly mode?: number;
  /** Somebody else made it and will remove it: it is only used. @defaultValue false */
  readonly attach?: boolean;
  /** A descriptor of shared memory that this process has inherited; it stays open. Implies `attach`. */
  readonly fd?: number;
  /** Only `read()`, as a file or segment that another user made for reading demands. With `attach` only. @defaultValue false */
  readonly readOnly?: boolean;
}

/** What is asked for, once it is checked. */
export interface SharedMemoryRequest extends ResourceRequest {
  readonly kind: 'shared-memory';
  readonly bytes?: number | undefined;
  readonly backing: MemoryBacking;
  readonly key?: number | undefined;
  readonly mode: number;
  readonly attach: boolean;
  readonly fd?: number | undefined;
  readonly readOnly: boolean;
}

/** Where the user's half finds what the owner's half has made. */
export type SharedMemoryFacts = {
  /** Its size; undefined for all that is there. */
  readonly bytes?: number | undefined;
  readonly readOnly: boolean;
  /** By what it is mapped, as everywhere in this registry. */
  readonly native: NativeName | 'files';
} & MemoryPlace;

export type MemoryPlace =
  | { readonly backing: 'posix'; readonly path: string; readonly file?: FileIdentity }
  | { readonly backing: 'system-v'; readonly key?: number | undefined; readonly id?: number }
  | { readonly backing: 'anonymous'; readonly pid: number; readonly fd: number; readonly file: FileIdentity }
  | { readonly backing: 'inherited'; readonly fd: number };

/**
 * Memory that several processes see at once, with its pages reserved: writing to it never fails.
 *
 * Anonymous and private memory cannot be left behind at all; what has a name or a key is removed when its owner has ended, however it ended.
 * A fork or thread that is to have the same bytes is given a name or key, or the descriptor in its `stdio`, and acquires it with `attach` or `fd`.
 *
 * Mapping it needs the optional package koffi; without that `read()` and `write()` work on everything but System V.
 *
 * @example
 * ```ts
 * const frames = await ctx.resources.acquire(sharedMemory({ name: 'frames', bytes: 1_048_576 }));
 * frames.as(Float64Array)[0] = 0.5;
 * ```
 * @throws InvalidSpecError if an option is wrong. To acquire it rejects with `ResourceExistsError` where something else has that name or key,
 *   `ResourceLimitError` where there is no room, and `CapabilityError` for System V without koffi.
 */
export function sharedMemory(options: SharedMemoryOptions): ResourceKind<SharedMemory> {
  checkNames('shared memory', options, OPTIONS);
  const request = checkedRequest(requestOf(options));
  return kindOf(request, attachMemory);
}

const OPTIONS: readonly string[] = ['name', 'bytes', 'backing', 'key', 'mode', 'attach', 'fd', 'readOnly'];

function requestOf(options: SharedMemoryOptions): SharedMemoryRequest {
  const { name, bytes, key, fd, mode = 0o600, attach = fd !== undefined, readOnly = false } = options;
  const given =
    key !== undefined ? 'system-v' : name !== undefined && fd === undefined ? 'posix' : 'anonymous';
  return {
    kind: 'shared-memory',
    name,
    bytes,
    backing: options.backing ?? given,
    key,
    mode,
    attach,
    fd,
    readOnly,
  };
}

/** @throws InvalidSpecError; asked again where it is made, since it may have come by message */
export function checkedRequest(request: SharedMemoryRequest): SharedMemoryRequest {
  const { name, bytes, backing, key, mode, attach, fd, readOnly } = request;
  const subject = subjectOf('shared memory', name);
  const need = (valid: boolean, field: keyof SharedMemoryRequest, expected: string): void => {
    if (!valid) refuse(subject, field, request[field], expected);
  };
  need(BACKINGS.includes(backing), 'backing', "'posix', 'system-v' or 'anonymous'");
  if (name !== undefined) checkName(subject, 'name', name);
  need(!name?.startsWith('sem.'), 'name', 'free of the prefix "sem.", which semaphores have');
  if (bytes !== undefined || !attach) checkWhole(subject, 'bytes', bytes, 1);
  checkMode(subject, mode);
  if (key !== undefined) checkKey(subject, key);
  need(key === undefined || backing === 'system-v', 'key', `absent with the backing '${backing}'`);
  need(
    fd === undefined || (attach && backing === 'anonymous'),
    'fd',
    'absent, or with attach and no other backing',
  );
  if (fd !== undefined) checkWhole(subject, 'fd', fd, 0);
  need(
    !attach || isFindable(request),
    'attach',
    'false, or with the name, key or descriptor of what is there',
  );
  need(!readOnly || attach, 'readOnly', 'false without attach');
  return request;
}

/** A System V key: any 32 bits but 0, which means none. */
export function checkKey(subject: string, key: unknown): void {
  checkWhole(subject, 'key', key, -(2 ** 31), 2 ** 32 - 1);
  if (key === 0) refuse(subject, 'key', key, 'a whole number of 32 bits, and not 0');
}

/** Permissions, as of a file. */
export function checkMode(subject: string, mode: unknown): void {
  checkWhole(subject, 'mode', mode, 0, 0o777);
}

const BACKINGS: readonly MemoryBacking[] = ['posix', 'system-v', 'anonymous'];

function isFindable({ backing, name, key, fd }: SharedMemoryRequest): boolean {
  if (backing === 'anonymous') return fd !== undefined;
  return (backing === 'posix' ? name : key) !== undefined;
}
