import type { Scenario } from '../scenario.js';
import { bigParent } from './big-parent.js';
import { capture } from './capture.js';
import { cells } from './cells.js';
import { crashLoop } from './crash-loop.js';
import { drain } from './drain.js';
import { endurance } from './endurance.js';
import { idle } from './idle.js';
import { imports } from './imports.js';
import { locks } from './locks.js';
import { memory } from './memory.js';
import { oneForAll } from './one-for-all.js';
import { processes, wardens, wrappers } from './processes.js';
import { release } from './release.js';
import { restarts } from './restarts.js';
import { size } from './size.js';
import { start } from './start.js';
import { stop } from './stop.js';
import { sustained } from './sustained.js';
import { threads } from './threads.js';

/** The scenarios about one subject. A function, so that what it needs is compiled only where it is measured. */
export type Subject = () => readonly Scenario[];

export const subjects: Readonly<Record<string, Subject>> = {
  restarts,
  sustained,
  'crash-loop': crashLoop,
  start,
  'one-for-all': oneForAll,
  stop,
  drain,
  memory,
  endurance,
  processes,
  wrappers,
  wardens,
  'big-parent': bigParent,
  idle,
  capture,
  threads,
  locks,
  cells,
  release,
  imports,
  size,
};
