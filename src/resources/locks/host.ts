import { systemClock } from '../../runtime/index.js';
import { type BackendChoice, loadNative } from '../backend/choose.js';
import { openRegion } from '../backend/region.js';
import type { SharedFileFacts } from '../kinds/shared-file.js';
import type { LockHost } from './lock-file.js';

/**
 * Opens the files of locks: mapped where there is something native, else read and written.
 * @param choice - by default what the registry has, so that its users load nothing that it does not
 */
export function openLockHost(choice?: BackendChoice): LockHost {
  const nativeFor = (facts: SharedFileFacts): ReturnType<typeof loadNative> =>
    loadNative(choice ?? facts.native ?? 'auto');
  return {
    open: async (facts) => {
      const { path, bytes } = facts;
      return openRegion(path, { bytes, access: 'write', native: await nativeFor(facts) });
    },
    native: nativeFor,
    clock: systemClock,
  };
}

/** The one that the public kinds use. */
export const lockHost: LockHost = openLockHost();
