import type { DownReport } from '../control/index.js';
import { wrap } from './columns.js';
import type { Terminal } from './terminal.js';
import { harmless } from './text.js';

/** What stands in the way of a stop, worst first. */
export type Obstacles = DownReport['obstacles'];

/** Why something has not ended, for people: what it is, what is seen, and what to do about it. */
export function obstacleLines(
  obstacles: Obstacles,
  terminal: Pick<Terminal, 'paint' | 'columns'>,
): readonly string[] {
  return obstacles.flatMap(({ verdict, pid, command, why, advice }) => {
    const who = [pid === undefined ? '' : `pid ${pid}`, harmless(command ?? '')]
      .filter((it) => it !== '')
      .join(', ');
    const head = `${terminal.paint('yellow', verdict)}${who === '' ? '' : ` (${who})`}`;
    const room = terminal.columns - INDENT.length;
    return [
      head,
      ...[why, advice].flatMap((text) => wrap(harmless(text), room).map((line) => INDENT + line)),
    ];
  });
}

/** The same in one line, of the worst alone. */
export function obstacleLine(obstacles: Obstacles): string {
  const [worst] = obstacles;
  if (worst === undefined) return '';
  const more = obstacles.length > 1 ? ` (and ${obstacles.length - 1} more)` : '';
  return `${worst.pid === undefined ? '' : `pid ${worst.pid}: `}${harmless(worst.why)}${more}`;
}

const INDENT = '  ';
