import type { Command } from '../command.js';
import { completionFor } from './completion.js';
import { resume } from './continue.js';
import { doctor } from './doctor.js';
import { down } from './down.js';
import { events } from './events.js';
import { explain } from './explain.js';
import { logs } from './logs.js';
import { ok } from './ok.js';
import { once } from './once.js';
import { pause } from './pause.js';
import { reclaim } from './reclaim.js';
import { reload } from './reload.js';
import { restart } from './restart.js';
import { run } from './run.js';
import { signal } from './signal.js';
import { status } from './status.js';
import { top } from './top.js';
import { trees } from './trees.js';
import { up } from './up.js';
import { wait } from './wait.js';

/** Every command, in the order of the help. A new one is a file here and a line in this table. */
export const COMMANDS: readonly Command[] = [
  run,
  status,
  top,
  up,
  down,
  once,
  restart,
  reload,
  pause,
  resume,
  signal,
  wait,
  logs,
  events,
  explain,
  ok,
  trees,
  doctor,
  reclaim,
  completionFor(() => COMMANDS),
];
