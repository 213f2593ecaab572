import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { checkNames, ReleasedError, ResourceError, SharedLayoutError } from '../../core/index.js';
import { checkName, checkText } from '../checks.js';
import { checkScope } from '../guard/state-dir.js';
import { errnoOf, resourceFailure } from '../inspect/failure.js';
import { layoutDifference } from '../kinds/layout-words.js';
import { pathOf } from '../kinds/shared-file.js';
import { FileWords } from '../memory/shared-words.js';
import { memoryDirPath } from '../registry/options.js';
import { type ChangeOptions, checkChangeOptions, nextVersion } from './changes.js';
import { type Codec, type CodecOption, codecOf } from './codec.js';
import { cellImage, roomIn } from './layout.js';
import { Slots } from './slots.js';
import { type CellView, SlotView } from './view.js';

/** Which cell of which scope. */
export interface CellPlace {
  readonly scope: string;
  readonly name: string;
  /** @defaultValue where registries have it by default */
  readonly memoryDir?: string;
}

/** How a reader understands what it reads. */
export interface SnapshotReaderOptions<T> {
  /** @defaultValue `'json'` */
  readonly codec?: CodecOption<T>;
}

/** Reads a cell from outside: from a monitoring program, say. While there is no cell it reads as one without a value. */
export interface SnapshotReader<T> extends CellView<T>, Disposable {
  /** Where the cell is, or will be. */
  readonly path: string;
  /** Waits for another version, looking every 5 ms. Resolves to that, or to nothing once the time is over. @throws ReleasedError if it is closed meanwhile */
  waitForChange(options?: ChangeOptions): Promise<number | undefined>;
  /** Safe to call twice. */
  close(): void;
}

/** Opens a cell of bytes as they are; everything else is as below. */
export function snapshotReader(
  where: string | CellPlace,
  options: SnapshotReaderOptions<Uint8Array> & { readonly codec: 'bytes' },
): SnapshotReader<Uint8Array>;
/**
 * Opens a cell to be read, by its file or by its scope and name: without a registry, a lock or a native part, and without touching it. A cell
 * that is made later, or anew, is found by itself; then its versions begin again.
 *
 * By scope and name it opens only what this user or root has made, where the directory is everybody's; whoever gives a path trusts what is there.
 *
 * @throws InvalidSpecError for an option that is wrong. To read throws `ResourceError` for what may not be opened.
 */
export function snapshotReader<T = unknown>(
  where: string | CellPlace,
  options?: SnapshotReaderOptions<T>,
): SnapshotReader<T>;
export function snapshotReader<T>(
  where: string | CellPlace,
  options: SnapshotReaderOptions<T> = {},
): SnapshotReader<T> {
  const path = typeof where === 'string' ? where : placeOf(where);
  checkText('the snapshot reader', 'path', path);
  checkNames(`the reader of ${path}`, options, ['codec']);
  const codec = codecOf(`the reader of ${path}`, options.codec);
  return new CellReader(path, codec, typeof where === 'string' ? 'named' : 'found');
}

function placeOf(where: CellPlace): string {
  const subject = 'the snapshot reader';
  checkNames(subject, where, ['scope', 'name', 'memoryDir']);
  const { scope, name, memoryDir } = where;
  checkScope(scope);
  checkName(subject, 'name', name);
  return pathOf({ scope, memoryDir: memoryDirPath(memoryDir) }, name);
}

interface Opened<T> {
  readonly fd: number;
  readonly view: SlotView<T>;
}

class CellReader<T> implements SnapshotReader<T> {
  readonly path: string;
  readonly #codec: Codec<T>;
  readonly #origin: Origin;
  #opened: Opened<T> | undefined;
  #closed = false;

  constructor(path: string, codec: Codec<T>, origin: Origin) {
    this.path = path;
    this.#codec = codec;
    this.#origin = origin;
  }

  read(): T | undefined {
    return this.#view?.read();
  }

  readBytes(): Buffer | undefined {
    return this.#view?.readBytes();
  }

  readInto(target: Uint8Array): number | undefined {
    return this.#view?.readInto(target);
  }

  get version(): number {
    return this.#view?.version ?? 0;
  }

  get ageMs(): number | undefined {
    return this.#view?.ageMs;
  }

  get writtenAt(): Date | undefined {
    return this.#view?.writtenAt;
  }

  async waitForChange(options: ChangeOptions = {}): Promise<number | undefined> {
    checkChangeOptions(`the reader of ${this.path}`, options);
    return nextVersion(this, options);
  }

  close(): void {
    this.#closed = true;
    this.#letGo();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get #view(): SlotView<T> | undefined {
    if (this.#closed) throw new ReleasedError(`The reader of ${this.path}`);
    // Its file was removed: what it holds is over, and there may be a new one.
    if (this.#opened !== undefined && fstatSync(this.#opened.fd).nlink === 0) this.#letGo();
    this.#opened ??= open(this.path, this.#codec, this.#origin);
    return this.#opened?.view;
  }

  #letGo(): void {
    if (this.#opened !== undefined) closeSync(this.#opened.fd);
    this.#opened = undefined;
  }
}

/** Whether the user has named the very file, and so trusts it, or it was found by what scope and name it has. */
type Origin = 'named' | 'found';

function open<T>(path: string, codec: Codec<T>, origin: Origin): Opened<T> | undefined {
  const fd = openToRead(path, origin);
  if (fd === undefined) return undefined;
  try {
    if (origin === 'found') checkOwner(path, fstatSync(fd).uid);
    return { fd, view: new SlotView(path, new Slots(new FileWords(fd), roomOf(path, fd)), codec) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openToRead(path: string, origin: Origin): number | undefined {
  try {
    // Without blocking: a pipe that somebody put there would wait for its other end. A registry makes no links.
    const link = origin === 'found' ? constants.O_NOFOLLOW : 0;
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | link);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw resourceFailure(error, {
      subject: `snapshot-cell ${path}`,
      operation: 'open',
      target: { type: 'file', path },
    });
  }
}

/** Where all may make files, anybody may have made one of that name. */
function checkOwner(path: string, uid: number): void {
  if (uid === 0 || uid === (process.getuid?.() ?? uid)) return;
  if ((statSync(dirname(path)).mode & 0o002) === 0) return;
  throw new ResourceError(
    `snapshot-cell ${path}`,
    'open',
    undefined,
    `user ${uid} has made it, in a directory where everybody may. If that is meant, give the reader its path instead of scope and name.`,
  );
}

function roomOf(path: string, fd: number): number {
  const image = Buffer.alloc(16);
  const length = fstatSync(fd).isFile() ? readSync(fd, image, 0, image.length, 0) : 0;
  const room = roomIn(image.subarray(0, length));
  if (room !== undefined) return room;
  const { found, asked } = layoutDifference(image, cellImage(0));
  throw new SharedLayoutError(path, found, asked);
}
