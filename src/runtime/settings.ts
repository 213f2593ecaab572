import { CHILD_DEFAULTS } from '../core/index.js';
import type { ChildSpec, ResolvedSettings } from './driver.js';

const WORKER_DEFAULTS: ResolvedSettings = CHILD_DEFAULTS;
const KEYS = [...Object.keys(CHILD_DEFAULTS), 'afterExit'] as readonly (keyof ResolvedSettings)[];

/** A spec's settings with every default; children that set nothing share one object, since there may be very many. */
export function resolveSettings(spec: ChildSpec): ResolvedSettings {
  const defaults = spec.driver.defaults ?? WORKER_DEFAULTS;
  const own: Partial<Record<keyof ResolvedSettings, unknown>> = {};
  let any = false;
  for (const key of KEYS) {
    if (spec[key] === undefined) continue;
    own[key] = spec[key];
    any = true;
  }
  return any ? { ...defaults, ...(own as Partial<ResolvedSettings>) } : defaults;
}
