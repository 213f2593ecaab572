import { Supervisor } from '../runtime/index.js';
import { treeResources } from './late-registry.js';
import { programSettings, type SuperviseOptions } from './options.js';
import { type LonePolicy, splitOptions, treeOf } from './root.js';
import { SpawnService } from './spawn-service.js';
import { Supervised } from './supervised.js';

/** What `supervise()` does. */
export async function run(what: unknown, options: SuperviseOptions & LonePolicy): Promise<Supervised> {
  const settings = programSettings(options);
  const { tree, policy, own } = splitOptions(options);
  const spec = treeOf(what, policy, own, settings.clock);
  const provider = treeResources(spec.id, options.resources);
  // Without options of its own nothing is waited for: the signals are trapped at once.
  const resources = provider instanceof Promise ? await provider : provider;
  const services = settings.spawnHelper ? new SpawnService(tree.services) : undefined;
  const root = new Supervisor(spec, { ...tree, resources, ...(services && { services }) });
  const app = new Supervised(root, spec, settings, spec !== what);
  try {
    // Before anything starts: a start that hangs can be looked at, and one that cannot be looked at does not begin.
    if (settings.control !== undefined) await app.listen(settings.control);
    if (services !== undefined) app.endsWith(await services.open(settings.clock));
  } catch (error) {
    throw await app.abandon(error);
  }
  return app.start();
}
