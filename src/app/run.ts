import { Supervisor } from '../runtime/index.js';
import { treeResources } from './late-registry.js';
import { programSettings, type SuperviseOptions } from './options.js';
import { type LonePolicy, splitOptions, treeOf } from './root.js';
import { Supervised } from './supervised.js';

/** What `supervise()` does. */
export async function run(what: unknown, options: SuperviseOptions & LonePolicy): Promise<Supervised> {
  const settings = programSettings(options);
  const { tree, policy, own } = splitOptions(options);
  const spec = treeOf(what, policy, own, settings.clock);
  const provider = treeResources(spec.id, options.resources);
  // Without options of its own nothing is waited for: the signals are trapped at once.
  const resources = provider instanceof Promise ? await provider : provider;
  const app = new Supervised(new Supervisor(spec, { ...tree, resources }), spec, settings, spec !== what);
  // Before anything starts: a start that hangs can be looked at, and one that cannot be looked at does not begin.
  if (settings.control !== undefined) await app.listen(settings.control);
  return app.start();
}
