import { InvalidSpecError, type SupervisorSettings } from '../core/index.js';
import {
  type AnySupervisorSpec,
  type ChildSpec,
  isSupervisorSpec,
  type SupervisorSpec,
  supervisor,
} from '../runtime/index.js';

/** The policy of the root that is put around a lone child. */
export type LonePolicy = Pick<SupervisorSettings, 'intensity' | 'periodMs' | 'giveUpAs'>;

/** The tree around a lone child: one supervisor named `root`. */
export type LoneTree<Child extends ChildSpec = ChildSpec> = SupervisorSpec<'root', readonly [Child]>;

/** @throws InvalidSpecError if `spec` is nothing that can be supervised. */
export function treeOf(spec: unknown, policy: LonePolicy): AnySupervisorSpec {
  if (!isSpec(spec)) throw notSupervisable(spec);
  return isSupervisorSpec(spec) ? spec : loneTree(spec, policy);
}

/**
 * A root around one child. It never gives up unless told otherwise, since nothing above it could do better than restart the child, with
 * growing waits; and it ends when the child has ended for good.
 */
function loneTree(
  child: ChildSpec,
  { intensity = Number.POSITIVE_INFINITY, periodMs, giveUpAs }: LonePolicy,
): LoneTree {
  const endsByItself = (child.restart ?? 'permanent') !== 'permanent';
  return supervisor('root', {
    intensity,
    ...(periodMs === undefined ? {} : { periodMs }),
    ...(giveUpAs === undefined ? {} : { giveUpAs }),
    autoShutdown: endsByItself ? 'any_significant' : 'never',
    children: [{ ...child, significant: endsByItself }],
  });
}

function isSpec(value: unknown): value is ChildSpec {
  return typeof value === 'object' && value !== null && 'driver' in value && 'id' in value;
}

function notSupervisable(value: unknown): InvalidSpecError {
  return new InvalidSpecError('supervise()', {
    rule: 'invalid_child_spec',
    field: 'the first argument',
    value,
    expected: 'a tree, a child spec, a function, or a consumer or its factory',
  });
}
