import { unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ResourceError, ScopeClosedError } from '../../core/index.js';
import { type FreshFile, isAt, isOnDisk, randomName } from '../files/fresh-file.js';
import type { Ledger, Written } from '../guard/entry.js';
import { reclaim } from '../guard/reclaim.js';
import { isListedByOthers, isUsedByOthers, leaversOf, type SharedFile } from '../guard/sharers.js';
import { errnoOf } from '../inspect/failure.js';
import { pause } from '../pause.js';
import type { Site } from '../site.js';

/**
 * A registry's use of a shared file, listed in its ledger until it ends. The last one to leave removes the file's name. Nothing is locked for
 * that; docs/decisions/16 says why it holds:
 *
 * - Who comes lists the file first. Then it waits until nobody is about to leave it, and then the name must still lead to it.
 * - Who leaves writes that down first. Then it looks who else lists the file and does not leave. Only if there is nobody it removes the name.
 */
export interface FileUse extends SharedFile {
  /** Whether this registry made it. */
  readonly owned: boolean;
  /**
   * Whether the file stays where it is from now on, for as long as this use does. If not, the use is over.
   * @throws ResourceError if somebody who is about to leave it does not get on with that
   * @throws ScopeClosedError if the owner ends meanwhile
   */
  lasts(subject: string, site: Site): Promise<boolean>;
}

/** The use of a file that was found: the registry's own, if it has one. */
export function useFound(file: SharedFile, site: Site): FileUse {
  const known = KeptUse.of(file.path, site);
  if (known?.isOf(file) === true) return known;
  if (!isListedByOthers(site.ledger.path, file)) return borrowed(file);
  known?.end();
  return new KeptUse(file, listed(file, site.ledger), false, site);
}

/** The use of a file that has just been made. */
export function useMade({ path, dev, ino, written }: FreshFile, site: Site): FileUse {
  // One of that name that somebody has removed meanwhile is not there any more.
  KeptUse.of(path, site)?.end();
  return new KeptUse({ path, dev, ino }, written, true, site);
}

/**
 * What somebody has made by other means, or with ledgers elsewhere, is not ours to remove. If it has gone since it was found, it was one that its
 * last user has left.
 */
function borrowed(file: SharedFile): FileUse {
  return { ...file, owned: false, lasts: async () => isAt(file.path, file) };
}

class KeptUse implements FileUse {
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
  readonly owned: boolean;
  readonly #written: Written;
  readonly #ledgerPath: string;
  readonly #kept: Site['kept'];
  #lasts = false;

  constructor({ path, dev, ino }: SharedFile, written: Written, owned: boolean, { ledger, kept }: Site) {
    this.path = path;
    this.dev = dev;
    this.ino = ino;
    this.owned = owned;
    this.#written = written;
    this.#ledgerPath = ledger.path;
    this.#kept = kept;
    const end = (): void => this.end();
    kept.set(path, { name: path, facts: this, release: end, releaseSync: end });
  }

  static of(path: string, { kept }: Site): KeptUse | undefined {
    const facts = kept.get(path)?.facts;
    return facts instanceof KeptUse ? facts : undefined;
  }

  isOf({ dev, ino }: SharedFile): boolean {
    return this.dev === dev && this.ino === ino;
  }

  async lasts(subject: string, site: Site): Promise<boolean> {
    if (this.#lasts) return true;
    await nobodyLeaves(subject, this.path, site);
    this.#lasts = isAt(this.path, this);
    if (!this.#lasts) this.end();
    return this.#lasts;
  }

  /** Synchronous, for it must also run while the process exits. Safe to call twice. */
  end(): void {
    if (isAt(this.path, this)) this.#leave();
    this.#written.drop();
    if (this.#kept.get(this.path)?.facts === this) this.#kept.delete(this.path);
  }

  #leave(): void {
    this.#written.leave();
    if (!isUsedByOthers(this.#ledgerPath, this) && isAt(this.path, this)) remove(this.path);
  }
}

/** Under the random name that makes its entry complete there is never anything. */
function listed({ path, dev, ino }: SharedFile, ledger: Ledger): Written {
  const dir = dirname(path);
  const paths = [join(dir, randomName()), path] as const;
  const written = ledger.want({ type: 'shared-file', paths, onDisk: isOnDisk(dir) });
  written.have({ type: 'shared-file', dev, ino });
  return written;
}

/** Waits until nobody is about to leave it any more. What the dead have left half done is done by their guardian, or else here. */
async function nobodyLeaves(subject: string, path: string, site: Site): Promise<void> {
  const { clock, ledger, scope, stateDir, signal, owner } = site;
  const untilMs = clock.now() + PATIENCE_MS;
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, SLOWEST_MS)) {
    const [leaver] = leaversOf(ledger.path, path);
    if (leaver === undefined) return;
    if (clock.now() >= untilMs) throw new ResourceError(subject, 'use', undefined, stuck(leaver.pid));
    await pause(clock, waitMs, signal);
    if (signal.aborted) throw new ScopeClosedError(owner.path, subject);
    if (waitMs === SLOWEST_MS)
      await reclaim({ scope, stateDir, dryRun: false, native: await site.nativeIfAny(), clock, waitMs: 0 });
  }
}

const PATIENCE_MS = 10_000;
const SLOWEST_MS = 32;

function stuck(pid: number): string {
  return `pid ${pid} is about to remove it, and has not finished for ${PATIENCE_MS} ms. End that process, or try again.`;
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    // Gone already is what was wanted.
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
