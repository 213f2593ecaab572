import type { MapAccess } from '../backend/backend.js';
import { loadNative } from '../backend/choose.js';
import { openRegion, type Region } from '../backend/region.js';
import type { SharedFileFacts } from '../kinds/shared-file.js';

/** Opens shared state where it is used. What is longer than its bytes has claims behind them. */
export async function openShared({ path, native }: SharedFileFacts, access: MapAccess): Promise<Region> {
  return openRegion(path, { access, native: await loadNative(native ?? 'auto') });
}
