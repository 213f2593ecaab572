import { type FSWatcher, watch } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';

/** File systems on which another machine's changes are not told: NFS, SMB, CIFS, 9p, FUSE, Ceph and AFS. @see statfs(2) */
const REMOTE: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x0102_1997, 0x6573_5546, 0x00c3_6400, 0x5346_414f,
]);

interface Watched {
  readonly watcher: FSWatcher;
  /** Which directory had the name when its watch began. */
  readonly identity: string;
}

/** Tells of changes in some directories, as far as the kernel does. */
export class DirectoryWatch {
  readonly #onBlind: (why: unknown) => void;
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, Watched>();
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
    for (const [path, { identity }] of this.#watchers) {
      // A link may lead elsewhere by now.
      if (!paths.includes(path) || identity !== (await identityOf(path))) this.#unwatch(path);
    }
    for (const path of paths) if (!this.#watchers.has(path)) await this.#add(path);
  }

  close(): void {
    this.#isClosed = true;
    for (const path of this.#watchers.keys()) this.#unwatch(path);
  }

  async #add(path: string): Promise<void> {
    if (this.#isBlind) return;
    try {
      if (REMOTE.has((await statfs(path)).type >>> 0)) throw new Error('its file system is a remote one');
      const identity = await identityOf(path);
      if (this.#isClosed || identity === undefined) return;
      const watcher = watch(path, this.#onChange);
      watcher.on('error', (error) => this.#drop(path, error));
      this.#watchers.set(path, { watcher, identity });
      // What came to be between the reading and the watching.
      this.#onChange();
    } catch (error) {
      // Gone since it was listed, which its parent tells.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#goBlind(error);
    }
  }

  #drop(path: string, error: unknown): void {
    this.#unwatch(path);
    this.#goBlind(error);
  }

  #unwatch(path: string): void {
    this.#watchers.get(path)?.watcher.close();
    this.#watchers.delete(path);
  }

  #goBlind(why: unknown): void {
    if (this.#isBlind || this.#isClosed) return;
    this.#isBlind = true;
    this.#onBlind(why);
  }
}

/** Nothing for what is not there any more. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path);
    return `${dev}:${ino}`;
  } catch {
    // Its parent tells of that.
    return undefined;
  }
}
