import { AssertionError } from 'node:assert';
import type { ChildSettings } from '../core/index.js';
import {
  type AnySupervisorSpec,
  type ChildDriver,
  type ChildSpec,
  dynamic,
  type IncarnationHost,
  isSupervisorSpec,
  supervisor,
} from '../runtime/index.js';
import { Fake } from './fake.js';

/**
 * A child with no work of its own, for trees that are written for a test. In a test tree it can be told what to do; elsewhere it is ready at
 * once and ends when it is asked to.
 */
export function fakeChild<const Id extends string>(id: Id, settings: ChildSettings = {}): ChildSpec<Id> {
  return { ...settings, id, kind: 'fake', driver: { start: (host) => new Fake(host.path).begin(host) } };
}

/** The fakes of one tree, by path. */
export class Fakes {
  readonly #byPath = new Map<string, Fake>();
  readonly #rootId: string;
  readonly #real: ReadonlySet<string>;
  /** The paths that can be told, and the beginnings with which any path can: below dynamic supervisors. */
  readonly #leaves = new Set<string>();
  readonly #open = new Set<string>();

  constructor(rootId: string, real: readonly string[]) {
    this.#rootId = rootId;
    this.#real = new Set(real);
  }

  /**
   * The fake at a path from the root, started or not yet.
   * @throws AssertionError if no leaf of the tree is a fake of that path.
   */
  named(path: string): Fake {
    if (this.#leaves.has(path) || this.#isOpen(path)) return this.at(path);
    const known = [...this.#leaves, ...[...this.#open].map((parent) => `${parent}…`)];
    throw new AssertionError({
      message: `There is no fake "${path}" in "${this.#rootId}". The fakes are: ${known.join(', ') || 'none'}.`,
    });
  }

  /** The fake at a path that is known to be right. */
  at(path: string): Fake {
    const known = this.#byPath.get(path);
    if (known !== undefined) return known;
    const made = new Fake(path);
    this.#byPath.set(path, made);
    return made;
  }

  /** Those of which an incarnation lives. */
  get alive(): readonly Fake[] {
    return [...this.#byPath.values()].filter((fake) => fake.alive > 0);
  }

  /** The same tree with fakes for leaves. */
  inTree<Spec extends AnySupervisorSpec>(spec: Spec): Spec {
    // Safe: it differs from the spec by its drivers only.
    return this.#branch(spec, '') as Spec;
  }

  /** The same child as a fake; of a supervisor, with fakes for leaves. */
  in<Spec extends ChildSpec>(spec: Spec, parent = ''): Spec {
    const path = parent === '' ? spec.id : `${parent}/${spec.id}`;
    if (this.#real.has(path)) return spec;
    // Safe: as above.
    if (isSupervisorSpec(spec)) return this.#branch(spec, path) as ChildSpec as Spec;
    // An instance gets a number that is not known here.
    if (!this.#isOpen(path)) this.#leaves.add(path);
    return { ...spec, driver: this.#driver(spec.driver) };
  }

  #isOpen(path: string): boolean {
    return [...this.#open].some((prefix) => path.startsWith(prefix));
  }

  // Made anew rather than copied, because a supervisor's driver starts the very spec that it was made for.
  #branch(spec: AnySupervisorSpec, path: string): AnySupervisorSpec {
    const { id, kind: _, driver: __, policy, ...rest } = spec;
    if (spec.kind === 'supervisor') {
      const children = spec.children.map((child) => this.in(child, path));
      return supervisor(id, { ...rest, ...policy, children });
    }
    this.#open.add(path === '' ? '' : `${path}/`);
    const { template: ___, ...settings } = rest as Omit<typeof spec, 'id' | 'kind' | 'driver' | 'policy'>;
    const template = (...args: readonly unknown[]): ChildSpec => this.in(spec.template(...args), path);
    return dynamic(id, template, { ...settings, ...policy });
  }

  #driver({ killWaitMs, defaults }: ChildDriver): ChildDriver {
    const start = (host: IncarnationHost) => this.at(host.path.slice(this.#rootId.length + 1)).begin(host);
    return {
      start,
      ...(killWaitMs === undefined ? {} : { killWaitMs }),
      ...(defaults === undefined ? {} : { defaults }),
    };
  }
}
