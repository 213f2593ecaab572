import { task } from '../children/index.js';
import { type AnySupervisorSpec, type ChildContext, type ChildSpec, Supervisor } from '../runtime/index.js';
import { programSettings, type SuperviseOptions } from './options.js';
import { type LonePolicy, type LoneTree, treeOf } from './root.js';
import { Supervised } from './supervised.js';

export async function supervise(
  what: unknown,
  options: SuperviseOptions & LonePolicy = {},
): Promise<Supervised> {
  const settings = programSettings(options);
  const spec =
    typeof what === 'function'
      ? task(what.name || 'main', what as (ctx: ChildContext) => unknown, { restart: 'transient' })
      : what;
  const root = new Supervisor(treeOf(spec, options), options);
  return new Supervised(root, settings).start();
}
