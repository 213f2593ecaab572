import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { checkNames, ReleasedError, SharedLayoutError } from '../../core/index.js';
import { checkName, checkText } from '../checks.js';
import { checkScope } from '../guard/state-dir.js';
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

/**
 * Opens a cell to be read, by its file or by its scope and name: without a registry, a lock or a native part, and without touching it. A cell
 * that is made later, or anew, is found by itself; then its versions begin again.
 *
 * @throws InvalidSpecError for an option that is wrong
 */
export function snapshotReader<T = unknown>(
  where: string | CellPlace,
  options: SnapshotReaderOptions<T> = {},
): SnapshotReader<T> {
  const path = typeof where === 'string' ? where : placeOf(where);
  checkText('the snapshot reader', 'path', path);
  checkNames(`the reader of ${path}`, options, ['codec']);
  return new CellReader(path, codecOf(`the reader of ${path}`, options.codec));
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
  #opened: Opened<T> | undefined;
  #closed = false;

  constructor(path: string, codec: Codec<T>) {
    this.path = path;
    this.#codec = codec;
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
    this.#opened ??= open(this.path, this.#codec);
    return this.#opened?.view;
  }

  #letGo(): void {
    if (this.#opened !== undefined) closeSync(this.#opened.fd);
    this.#opened = undefined;
  }
}

function open<T>(path: string, codec: Codec<T>): Opened<T> | undefined {
  const fd = openToRead(path);
  if (fd === undefined) return undefined;
  try {
    return { fd, view: new SlotView(path, new Slots(new FileWords(fd), roomOf(path, fd)), codec) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openToRead(path: string): number | undefined {
  try {
    // Without blocking: a pipe that somebody put there would wait for its other end.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function roomOf(path: string, fd: number): number {
  const image = Buffer.alloc(16);
  const length = fstatSync(fd).isFile() ? readSync(fd, image, 0, image.length, 0) : 0;
  const room = roomIn(image.subarray(0, length));
  if (room !== undefined) return room;
  const { found, asked } = layoutDifference(image, cellImage(0));
  throw new SharedLayoutError(path, found, asked);
}
