import { errorFacts } from '../../core/index.js';
import type { IncarnationFacts, IncarnationHost, Timer } from '../../runtime/index.js';
import { runUncontained } from '../in-process/containment.js';
import type { Life } from '../late.js';
import { chargeOf } from '../process/owned/charge.js';
import { DirectoryWatch } from './directory-watch.js';
import { ServiceKeeper } from './keeper.js';
import { listServices } from './listing.js';
import type { ServiceDirectoryOptions } from './service-directory.js';

/** Changes come in bursts: they are looked at together, so long after the first, in ms. */
const BURST_MS = 50;
/** How often the directory is read where nobody tells of changes, in ms: as svscan reads it. */
const AGAIN_MS = 5000;

/** The child that reads the directory, and has the supervisor that it is in keep what is listed there. */
export class Scan implements Life {
  readonly #host: IncarnationHost;
  readonly #path: string;
  readonly #keeper: ServiceKeeper;
  readonly #watch: DirectoryWatch;
  readonly #rescanMs: number | undefined;
  #timer: Timer | undefined;
  #dueAtMs = 0;
  #isScanning = false;
  #isDue = false;
  #isOver = false;
  /** The last thing that made it impossible to read the directory. */
  #trouble: string | undefined;

  constructor(host: IncarnationHost, path: string, options: ServiceDirectoryOptions) {
    this.#host = host;
    this.#path = path;
    this.#rescanMs = options.rescanMs;
    this.#keeper = ServiceKeeper.of(host, options);
    this.#watch = new DirectoryWatch(
      (why) => this.#cannotWatch(why),
      () => this.#rescanIn(BURST_MS),
    );
  }

  begin(): this {
    this.#keeper.attach(this.#host, (inMs) => this.#rescanIn(inMs));
    void this.#begin();
    return this;
  }

  drain(): void {
    this.#host.drained();
  }

  stop(): void {
    this.#end('shutdown');
  }

  kill(): void {
    this.#end('killed');
  }

  reload(): boolean {
    this.#rescanIn(0);
    return true;
  }

  /** SIGHUP, and the SIGALRM of s6-svscan, have it look at once: so a program can forward the one that it gets. */
  signal(signal: NodeJS.Signals): boolean {
    return (signal === 'SIGHUP' || signal === 'SIGALRM') && this.reload();
  }

  facts(): IncarnationFacts {
    return { command: this.#path };
  }

  async #begin(): Promise<void> {
    try {
      // What a killed program of this tree has left is ended by this: it may still hold the locks of the services.
      await chargeOf(this.#host, undefined);
      await this.#scan();
      this.#host.ready();
    } catch (error) {
      this.#end('failed', error);
    }
  }

  async #scan(): Promise<void> {
    const { services, halfMade } = await listServices(this.#path);
    if (this.#isOver) return;
    await this.#watch.follow([this.#path, ...halfMade]);
    if (this.#isOver) return;
    this.#keeper.keep(services);
    const everyMs = this.#rescanMs ?? (this.#watch.isBlind ? AGAIN_MS : undefined);
    if (everyMs !== undefined) this.#rescanIn(everyMs);
  }

  /** Once at a time: what changes meanwhile is looked at afterwards. */
  async #rescan(): Promise<void> {
    this.#timer = undefined;
    this.#isDue = this.#isScanning;
    if (this.#isScanning || this.#isOver) return;
    this.#isScanning = true;
    try {
      await this.#scan();
      this.#trouble = undefined;
    } catch (error) {
      this.#tellTrouble(error);
    } finally {
      this.#isScanning = false;
    }
    if (this.#isDue) this.#rescanIn(0);
  }

  /** A directory that cannot be read is no empty one: what runs goes on. */
  #tellTrouble(error: unknown): void {
    const facts = errorFacts(error);
    if (this.#trouble !== facts.message)
      this.#host.note(`${this.#path} cannot be read, and nothing is changed until it can`, facts);
    this.#trouble = facts.message;
    this.#rescanIn(AGAIN_MS);
  }

  #cannotWatch(why: unknown): void {
    const facts = errorFacts(why);
    this.#host.note(`${this.#path} cannot be watched, and is read every ${AGAIN_MS} ms instead`, facts);
    this.#rescanIn(AGAIN_MS);
  }

  /** The soonest that was asked for counts. */
  #rescanIn(ms: number): void {
    if (this.#isOver) return;
    const { clock } = this.#host;
    const atMs = clock.now() + ms;
    if (this.#timer !== undefined && this.#dueAtMs <= atMs) return;
    this.#timer?.cancel();
    this.#dueAtMs = atMs;
    this.#timer = runUncontained(() => clock.after(ms, () => void this.#rescan()));
  }

  #end(how: 'shutdown' | 'killed' | 'failed', error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#watch.close();
    this.#keeper.detach();
    this.#host.exited(how === 'failed' ? { type: 'not-started', error: errorFacts(error) } : { type: how });
  }
}
