import {
  type ConsumerFactory,
  type ConsumerInstance,
  consumer,
  type Supervisable,
} from '../children/index.js';
import { InvalidSpecError, type SupervisorSettings } from '../core/index.js';
import {
  type AnySupervisorSpec,
  type ChildSpec,
  type Clock,
  isSupervisorSpec,
  type SupervisorSpec,
  supervisor,
  type TreeOptions,
} from '../runtime/index.js';
import type { SuperviseOptions } from './options.js';

/** The policy of the root that is put around a lone child. */
export interface LonePolicy extends Pick<SupervisorSettings, 'periodMs' | 'giveUpAs'> {
  /**
   * How many restarts are allowed within `periodMs` before the program gives up.
   * @defaultValue `Infinity`: nothing above could do better than try again, after ever longer waits
   */
  readonly intensity?: number;
}

/** The tree around a lone child: one supervisor named `root`. */
export type LoneTree<Child extends ChildSpec = ChildSpec> = SupervisorSpec<'root', readonly [Child]>;

/** How long a lone function may be silent, in ms, before its silence means that it is at work rather than on its way to it. */
const AT_WORK_AFTER_MS = 1000;

/**
 * The tree that `supervise()` runs for what it was given.
 *
 * @param own - those of the options that are the child's
 * @throws InvalidSpecError if it is nothing that can be supervised, or an option is wrong for it.
 */
export function treeOf(what: unknown, policy: LonePolicy, own: object, clock: Clock): AnySupervisorSpec {
  if (!isSpec(what)) return loneTree(loneSpec(what, own, clock), policy);
  const isTree = isSupervisorSpec(what);
  refuseOptions(isTree ? { ...policy, ...own } : own, isTree);
  return isTree ? what : loneTree(what, policy);
}

/** Whose options they are: the tree's, the root's around a lone child, or the child's own. */
export function splitOptions(options: SuperviseOptions & LonePolicy): {
  readonly tree: TreeOptions;
  readonly policy: LonePolicy;
  readonly own: object;
} {
  const { signals, graceMs, reraise, lingerMs, onEvent, resources, control, spawnHelper, ...others } =
    options;
  const { clock, random, logger, services, intensity, periodMs, giveUpAs, ...own } = others;
  return {
    tree: given({ clock, random, logger, services }),
    policy: given({ intensity, periodMs, giveUpAs }),
    own,
  };
}

/** Without what is undefined, so that it does not stand in the way of a default. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  // Safe: what is left has the values of T that are not undefined.
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

/** A root around one child, which ends when the child has ended for good. */
function loneTree(child: ChildSpec, policy: LonePolicy): LoneTree {
  const endsByItself = (child.restart ?? 'permanent') !== 'permanent';
  return supervisor('root', {
    intensity: Number.POSITIVE_INFINITY,
    ...policy,
    autoShutdown: endsByItself ? 'any_significant' : 'never',
    children: [{ ...child, significant: endsByItself }],
  });
}

/** A function that has done its work is not run again unless it says so; it is once it has failed. */
function loneSpec(what: unknown, own: object, clock: Clock): ChildSpec {
  if (typeof what === 'function') {
    const options = { restart: 'transient', ...own } as const;
    // Safe: what a function makes is looked at when it has made it.
    return consumer(what.name || 'main', soonReady(what as ConsumerFactory<Supervisable>, clock), options);
  }
  // An object of the wrong shape would be refused as well, but only as a start that failed.
  if (typeof what !== 'object' || what === null || Array.isArray(what)) throw notSupervisable(what);
  return consumer('main', what as ConsumerInstance, own);
}

/**
 * A consumer's factory is ready when it has made something; a function that is the work itself makes nothing, and need not look at its
 * context either. So it is ready at the latest when it has worked for a second, or has finished sooner.
 */
function soonReady(make: ConsumerFactory<Supervisable>, clock: Clock): ConsumerFactory<Supervisable> {
  return async function main(ctx) {
    const timer = clock.after(AT_WORK_AFTER_MS, () => ctx.ready(), false);
    try {
      const made = await make(ctx);
      if (made === undefined) ctx.ready();
      return made;
    } finally {
      timer.cancel();
    }
  };
}

function isSpec(value: unknown): value is ChildSpec {
  return typeof value === 'object' && value !== null && 'driver' in value && 'id' in value;
}

function refuseOptions(options: object, isTree: boolean): void {
  const [field] = Object.keys(options);
  if (field === undefined) return;
  throw new InvalidSpecError('supervise()', {
    rule: 'invalid_option',
    field,
    value: options[field as keyof typeof options],
    expected: isTree
      ? 'left out: a tree has its settings in its specs'
      : 'left out: a child has its settings in its spec',
  });
}

function notSupervisable(value: unknown): InvalidSpecError {
  return new InvalidSpecError('supervise()', {
    rule: 'invalid_child_spec',
    field: 'the first argument',
    value,
    expected: 'a tree, a child spec, a function, or a consumer or its factory',
  });
}
