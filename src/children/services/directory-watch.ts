import { type FSWatcher, watch } from 'node:fs';
import { statfs } from 'node:fs/promises';

/** File systems on which another machine's changes are not told: NFS, SMB, CIFS, 9p, FUSE, Ceph and AFS. @see statfs(2) */
const REMOTE: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x0102_1997, 0x6573_5546, 0x00c3_6400, 0x5346_414f,
]);

/** Tells of changes in some directories, as far as the kernel does. */
export class DirectoryWatch {
  readonly #onBlind: (why: unknown) => void;
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #isBlind = false;
  #isClosed = false;

  /** @param onBlind - called once, when it turns out that not all changes are told */
  constructor(onBlind: (why: unknown) => void, onChange: () => void) {
    this.#onBlind = onBlind;
    this.#onChange = onChange;
  }

  /** Whether there may be changes that are not told. */
  get isBlind(): boolean {
    return this.#isBlind;
  }

  /** Watches these directories, and no others from now on. A change since the last call may be missed if the directory is new here: to be looked at afterwards. */
  async follow(paths: readonly string[]): Promise<void> {
    for (const [path, watcher] of this.#watchers) {
      if (paths.includes(path)) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
    for (const path of paths) if (!this.#watchers.has(path)) await this.#add(path);
  }

  close(): void {
    this.#isClosed = true;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  async #add(path: string): Promise<void> {
    if (this.#isBlind) return;
    try {
      if (REMOTE.has((await statfs(path)).type >>> 0)) throw new Error('its file system is a remote one');
      if (this.#isClosed) return;
      const watcher = watch(path, this.#onChange);
      watcher.on('error', (error) => this.#drop(path, error));
      this.#watchers.set(path, watcher);
      // What came to be between the reading and the watching.
      this.#onChange();
    } catch (error) {
      // Gone since it was listed, which its parent tells.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#goBlind(error);
    }
  }

  #drop(path: string, error: unknown): void {
    this.#watchers.get(path)?.close();
    this.#watchers.delete(path);
    this.#goBlind(error);
  }

  #goBlind(why: unknown): void {
    if (this.#isBlind || this.#isClosed) return;
    this.#isBlind = true;
    this.#onBlind(why);
  }
}
