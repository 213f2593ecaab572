import { type TaskSettings, task } from '../children/index.js';
import { type FreshOptions, keepFresh } from '../resources/index.js';
import type { ChildSpec } from '../runtime/index.js';

/**
 * A child that keeps a cell fresh: one loads, and many read, in any process. While the source fails, the last good value stays readable; once
 * it is older than `maxAgeMs`, the child fails and is restarted by its policy.
 *
 * It is ready when there is a value that is not too old, unless `ready` says otherwise.
 *
 * @throws InvalidSpecError for an option or a setting that is wrong
 * @example
 * ```ts
 * const rates = snapshotCell<Rates>({ name: 'rates', bytes: 65_536 });
 * refresher('rates', { cell: rates, load: (signal) => fetchRates({ signal }), maxAgeMs: 60_000 });
 * ```
 */
export function refresher<const Id extends string, T>(
  id: Id,
  options: FreshOptions<T>,
  settings: TaskSettings = {},
): ChildSpec<Id> {
  return task(id, keepFresh(options), { ready: 'explicit', ...settings });
}
