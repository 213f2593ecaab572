import { systemClock } from '../../runtime/index.js';
import { type BackendChoice, loadNative } from '../backend/choose.js';
import { openRegion } from '../backend/region.js';
import type { LockHost } from './lock-file.js';

/** Opens the files of locks by what this process has: mapped where there is something native, else read and written. */
export function openLockHost(choice: BackendChoice): LockHost {
  const native = (): ReturnType<typeof loadNative> => loadNative(choice);
  return {
    open: async ({ path, bytes }) => openRegion(path, { bytes, access: 'write', native: await native() }),
    native,
    clock: systemClock,
  };
}

/** The one that the public kinds use. */
export const lockHost: LockHost = openLockHost('auto');
