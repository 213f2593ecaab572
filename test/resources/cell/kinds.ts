import { snapshotCell } from '../../../src/resources/cell/cell.js';
import { scoreboard } from '../../../src/resources/scoreboard/scoreboard.js';

/** The kinds that tests and their actors have in common. */
export const cellKind = snapshotCell<unknown>({ name: 'rates', bytes: 1_024 });

export const boardKind = scoreboard({
  name: 'board',
  slots: 4,
  states: ['idle', 'busy'],
  counters: ['done'],
  jobBytes: 16,
});
