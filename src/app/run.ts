import { Supervisor } from '../runtime/index.js';
import type { EarlySignals } from './early-signals.js';
import { treeResources } from './late-registry.js';
import type { ProgramSettings, SuperviseOptions } from './options.js';
import { type LonePolicy, splitOptions, treeOf } from './root.js';
import { Supervised } from './supervised.js';

/** What `supervise()` does once it has trapped the signals. Its code is loaded by the first call, as an import needs none of it. */
export async function run(
  what: unknown,
  options: SuperviseOptions & LonePolicy,
  settings: ProgramSettings,
  signals: EarlySignals | undefined,
): Promise<Supervised> {
  const { tree, policy, own } = splitOptions(options);
  const spec = treeOf(what, policy, own, settings.clock);
  const resources = await treeResources(spec.id, options.resources);
  return new Supervised(new Supervisor(spec, { ...tree, resources }), spec, settings, signals).start();
}
