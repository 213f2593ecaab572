import { CELL_STORMS } from './cells.js';
import { LOCK_STORMS } from './locks.js';
import type { Storm } from './storm.js';

/** All storms; each room adds its own. */
export const STORMS: readonly Storm[] = [...LOCK_STORMS, ...CELL_STORMS];
