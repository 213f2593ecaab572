import { errorFacts, isSupervisionError, UnknownChildError } from '../../core/index.js';
import { type ChildSpec, type IncarnationHost, Siblings, type Supervisor } from '../../runtime/index.js';
import type { Listed } from './listing.js';
import { type Keeping, loggerSpec, serviceSpec } from './program-specs.js';
import { Service } from './service.js';
import type { ServiceDirectoryOptions } from './service-directory.js';

/** The wait before a start that somebody asked for, and that failed, is tried again, in ms. */
const RETRY_MS = 1000;
/** How often it is looked whether a service that another program keeps is free, in ms: seldom, after a while. */
const SOONEST_MS = 250;
const SELDOM_MS = 5000;
const MOST_SERVICES = 1000;

const KEEPERS = new WeakMap<Supervisor, ServiceKeeper>();

/**
 * The services that a supervisor keeps. There is one for each life of the supervisor: a scan that fails, or is stopped for a while, finds again what its
 * predecessor has started.
 */
export class ServiceKeeper {
  readonly #siblings: Siblings;
  readonly #options: ServiceDirectoryOptions;
  readonly #keeping: Keeping;
  readonly #services = new Map<string, Service>();
  /** What was said of a directory, so that it is said once. */
  readonly #said = new Map<string, string>();
  #blockedMs = SOONEST_MS;
  #host: IncarnationHost;
  #again: (inMs: number) => void = () => undefined;
  #isOver = false;

  private constructor(siblings: Siblings, host: IncarnationHost, options: ServiceDirectoryOptions) {
    this.#siblings = siblings;
    this.#host = host;
    this.#options = options;
    const { supervisor } = siblings;
    this.#keeping = {
      host,
      options,
      isLeaving: ({ isRemoved }) => isRemoved || supervisor.status === 'stopping',
    };
    const forget = supervisor.on('child:start-failed', ({ child, context }) => {
      if (context === 'request') void this.#keepTrying(child);
    });
    void supervisor.done.then(() => {
      forget();
      this.#close();
    });
  }

  static of(host: IncarnationHost, options: ServiceDirectoryOptions): ServiceKeeper {
    const siblings = new Siblings(host);
    const keeper = KEEPERS.get(siblings.supervisor) ?? new ServiceKeeper(siblings, host, options);
    KEEPERS.set(siblings.supervisor, keeper);
    return keeper;
  }

  /**
   * From here on there is somebody who scans.
   * @param again - asks for a scan
   */
  attach(host: IncarnationHost, again: (inMs: number) => void): void {
    this.#host = host;
    this.#again = again;
  }

  detach(): void {
    this.#again = () => undefined;
  }

  /** Has what is listed kept, and what is not listed any more stopped. Returns at once. */
  keep(listed: readonly Listed[]): void {
    const present = new Map(listed.map((one) => [one.name, one.identity]));
    for (const service of this.#services.values())
      if (present.get(service.name) !== service.identity) this.#leave(service);
    for (const one of listed) if (!this.#services.has(one.name)) this.#consider(one);
    for (const name of this.#said.keys()) if (!present.has(name)) this.#said.delete(name);
  }

  #consider(listed: Listed): void {
    const obstacle = listed.fault ?? (listed.isWhole ? this.#obstacleTo(listed) : undefined);
    if (obstacle !== undefined) return this.#say(listed.name, obstacle);
    if (!listed.isWhole || this.#isGettingFree(listed)) return;
    const service = new Service(listed);
    this.#services.set(listed.name, service);
    void this.#start(service);
  }

  #obstacleTo({ dir, identity, name, logDir }: Listed): string | undefined {
    const { maxServices = MOST_SERVICES } = this.#options;
    if (this.#services.size >= maxServices)
      return `${dir} is left alone, as there are ${maxServices} services already: raise maxServices`;
    const ids = idsOf(name, logDir);
    for (const other of this.#services.values()) {
      if (other.isRemoved) continue;
      if (other.identity === identity) return `${dir} is the same directory as "${other.name}"`;
      const taken = other.programs.find(({ id }) => ids.includes(id));
      if (taken !== undefined)
        return `${dir} is left alone, as the name "${taken.id}" is that of ${taken.dir}`;
    }
    return undefined;
  }

  /** Whether what has its directory or one of its names is on its way out, at the end of which everything is looked at again. */
  #isGettingFree({ identity, name, logDir }: Listed): boolean {
    const ids = idsOf(name, logDir);
    return [...this.#services.values()].some(
      (other) =>
        other.isRemoved && (other.identity === identity || other.programs.some(({ id }) => ids.includes(id))),
    );
  }

  async #start(service: Service): Promise<void> {
    try {
      const holder = await service.open((note) => this.#say(service.name, note));
      if (holder !== undefined) return this.#wait(service, holder);
      if (service.isRemoved || this.#isOver) return this.#forget(service);
      this.#blockedMs = SOONEST_MS;
      if (this.#said.get(service.name) === 'held') this.#said.delete(service.name);
      for (const { spec, isDown } of this.#specsOf(service))
        await this.#siblings.keep(spec, isDown ? undefined : 0);
    } catch (error) {
      if (this.#isOver || service.isRemoved) return this.#forget(service);
      this.#say(service.name, `${service.program.dir} cannot be kept: ${errorFacts(error).message}`);
      this.#forget(service);
      this.#again(SELDOM_MS);
    }
  }

  #specsOf(service: Service): readonly { readonly spec: ChildSpec; readonly isDown: boolean }[] {
    return service.programs.map((program) => ({
      spec:
        program === service.logger
          ? loggerSpec(service, program, this.#keeping)
          : serviceSpec(service, this.#keeping),
      isDown: program.files.isDown,
    }));
  }

  /** The kernel tells nobody when a lock is free. */
  #wait(service: Service, holder: string): void {
    const { name, program } = service;
    // Once, though those who hold it change while they end.
    this.#say(name, `${program.dir} is kept by ${holder} already, and waits for its end`, 'held');
    this.#forget(service);
    this.#again(this.#blockedMs);
    this.#blockedMs = Math.min(SELDOM_MS, this.#blockedMs * 2);
  }

  #leave(service: Service): void {
    service.isRemoved = true;
    service.leaving ??= this.#takeOut(service);
  }

  async #takeOut(service: Service): Promise<void> {
    try {
      for (const { id } of [...service.programs].reverse()) await this.#takeOutChild(id);
      this.#forget(service);
    } catch (error) {
      service.leaving = undefined;
      if (!this.#isOver) this.#host.note(`"${service.name}" could not be taken out`, errorFacts(error));
    }
  }

  async #takeOutChild(id: string): Promise<void> {
    try {
      await this.#siblings.takeOut(id);
    } catch (error) {
      // It may not have come as far as being a child.
      if (!(error instanceof UnknownChildError)) throw error;
    }
  }

  #forget(service: Service): void {
    service.close();
    if (this.#services.get(service.name) === service) this.#services.delete(service.name);
    // One of that name may be there by now.
    if (service.isRemoved) this.#again(0);
  }

  /** Somebody has asked for a service that is down, and its start has failed: from then on it is one that is to be up. */
  async #keepTrying(path: string): Promise<void> {
    const id = path.slice(path.lastIndexOf('/') + 1);
    const service = [...this.#services.values()].find(({ programs }) =>
      programs.some((one) => one.id === id),
    );
    const program = service?.programs.find((one) => one.id === id);
    if (service === undefined || service.isRemoved || program?.staysDown !== false) return;
    const child = this.#siblings.supervisor.child(id);
    if (child.snapshot().once === true) return;
    await this.#siblings.keep(child.spec, RETRY_MS).catch((error: unknown) => {
      // The supervisor is stopping.
      if (!isSupervisionError(error)) throw error;
    });
  }

  #say(name: string, what: string, topic = what): void {
    if (this.#said.get(name) === topic) return;
    this.#said.set(name, topic);
    this.#host.note(what);
  }

  #close(): void {
    this.#isOver = true;
    for (const service of this.#services.values()) service.close();
    this.#services.clear();
  }
}

/** The ids that a service and its logger take. */
function idsOf(name: string, logDir: string | undefined): readonly string[] {
  return logDir === undefined ? [name] : [name, `${name}-log`];
}
