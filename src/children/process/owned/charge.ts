import { randomBytes } from 'node:crypto';
import { CapabilityError, errorFacts, ResourceError } from '../../../core/index.js';
import type {
  IncarnationHost,
  ResourceProvider,
  ResourceRequest,
  ResourceScope,
} from '../../../runtime/index.js';
import { isOwnProc } from '../proc.js';
import { MARK_VARIABLE } from './census.js';
import { HAS_GROUPS } from './process-group.js';

/** The mark of one incarnation. */
export interface Marking {
  /** Occurs in the mark of each of its processes, and of no other. */
  readonly token: string;
  readonly env: Readonly<Record<string, string>>;
  /**
   * Writes the leader's group down as well: a program that shows its state in its title overwrites the mark with that. At once, where a record is kept.
   *
   * @param end - what is to become of it once this process is dead
   * @returns what takes it off the record
   */
  record(pid: number, end: OrphanEnd): () => void;
}

/** How a program is ended whose host is dead. */
export interface OrphanEnd {
  /** How long it has altogether, in ms. */
  readonly graceMs: number;
  /** What its group is sent; one with a channel sees the end of this process by itself. */
  readonly signal: NodeJS.Signals | undefined;
  /** What the program alone is sent before that, and for how long it is waited then, in ms. */
  readonly drain?: { readonly signal: NodeJS.Signals; readonly ms: number } | undefined;
}

/** By what the processes of a host are known, also once it is dead: a mark in their environment that is on the record of its resources. */
export class Charge {
  readonly #mark: string;
  readonly #scope: ResourceScope | undefined;
  #count = 0;

  constructor(mark: string, scope?: ResourceScope) {
    this.#mark = mark;
    this.#scope = scope;
  }

  /** The next incarnation's; within the marks that this process carries itself, if it is in somebody's tree. */
  next(): Marking {
    const token = `${this.#mark}:${++this.#count};`;
    return {
      token,
      env: { [MARK_VARIABLE]: `${process.env[MARK_VARIABLE] ?? ''}${token}` },
      record: (pid, end) => this.#record({ kind: 'program-group', pid, ...end } as ResourceRequest),
    };
  }

  #record(request: ResourceRequest): () => void {
    const scope = this.#scope;
    if (scope === undefined || !HAS_GROUPS) return ignore;
    // Its tree has closed the record, or it cannot be written: then the mark alone speaks for it.
    const granted = scope.grant(request).catch(ignore);
    return () => void granted.then((grant) => grant && scope.giveBack(grant.number)).catch(ignore);
  }
}

/**
 * The charge that a host's processes are in: one for its whole tree, on the record before the first of them is started. Nothing where they are not
 * to be marked. At once, but for the first.
 *
 * Where a record cannot be had, that is noted once, and they are known by their mark to this process alone.
 *
 * @throws ResourceError, by its promise, while something that a killed program of the same scope has left cannot be ended
 */
export function chargeOf(
  host: IncarnationHost,
  ownership: 'guarded' | undefined,
): Charge | undefined | Promise<Charge> {
  const { resources, tree } = host;
  if (resources === undefined && ownership === undefined) return undefined;
  const charged = resources && CHARGES.get(resources)?.get(tree ?? resources);
  if (charged !== undefined) return charged;
  if (!isOwnProc()) {
    noteOnce(host, new CapabilityError('proc', 'Finding processes that leave their group', NO_PROC));
    return undefined;
  }
  if (resources === undefined) {
    noteOnce(host, new CapabilityError('registry', 'Ending them if this program is killed', NO_REGISTRY));
    unrecorded ??= new Charge(newMark());
    return unrecorded;
  }
  const charges = CHARGES.get(resources) ?? new WeakMap<object, Charge | Promise<Charge>>();
  CHARGES.set(resources, charges);
  return recorded(host, resources, charges);
}

function recorded(
  host: IncarnationHost,
  resources: ResourceProvider,
  charges: WeakMap<object, Charge | Promise<Charge>>,
): Promise<Charge> {
  const key = host.tree ?? resources;
  const recording = record(host, resources);
  charges.set(key, recording);
  recording.then(
    (charge) => charges.set(key, charge),
    // The next start tries again; who waits for this one is told.
    () => charges.delete(key),
  );
  return recording;
}

const NO_PROC =
  'there is no /proc that numbers processes as this program does. Only what stays in its process group is found.';
const NO_REGISTRY =
  'its tree has no registry to write them down in. Start the tree by supervise(), or give the Supervisor one.';

const CHARGES = new WeakMap<ResourceProvider, WeakMap<object, Charge | Promise<Charge>>>();
/** For trees without a registry. */
let unrecorded: Charge | undefined;

async function record(host: IncarnationHost, resources: ResourceProvider): Promise<Charge> {
  const { path, tree } = host;
  const mark = newMark();
  try {
    const scope = await resources.openScope({ path, incarnation: 0, tree });
    tree?.defer(() => scope.close());
    await scope.grant({ kind: 'marked-processes', mark } as ResourceRequest);
    return new Charge(mark, scope);
  } catch (error) {
    if (error instanceof ResourceError && error.operation === 'end') throw error;
    noteOnce(host, error);
  }
  return new Charge(mark);
}

const NOTED = new WeakSet<object>();

/** Once for each tree. */
function noteOnce(host: IncarnationHost, error: unknown): void {
  const subject = host.tree ?? host.services;
  if (NOTED.has(subject)) return;
  NOTED.add(subject);
  const facts = errorFacts(error);
  host.note(`its processes are not owned whole: ${facts.message}`, facts);
}

/** 16 random characters, of which an environment holds none by chance. */
function newMark(): string {
  return Array.from(randomBytes(16), (byte) => LETTERS[byte % LETTERS.length]).join('');
}

function ignore(): void {
  // Nothing to take off a record.
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz012345';
