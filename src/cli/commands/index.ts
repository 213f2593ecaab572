import type { Command } from '../command.js';
import { doctor } from './doctor.js';
import { reclaim } from './reclaim.js';

/** Every command, in the order of the help. A new one is a file here and a line in this table. */
export const COMMANDS: readonly Command[] = [doctor, reclaim];
