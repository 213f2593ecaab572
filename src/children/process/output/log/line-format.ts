import { machineTime } from '../../../../runtime/index.js';
import { prefixed } from '../whole-lines.js';
import type { LinePattern, LogSettings } from './log-options.js';
import { tai64n } from './tai64n.js';

const NEWLINE = 10;

/** What a block of whole lines looks like in the file; undefined where no line of it is written. */
export function formatLines(block: Buffer, { select, timestamps }: LogSettings): Buffer | undefined {
  const chosen = select.length === 0 ? block : selectLines(block, select);
  if (chosen.length === 0) return undefined;
  return timestamps === 'none' ? chosen : prefixed(chosen, `${stampOf(timestamps)} `);
}

/** The moment, as lines begin with it. */
export function stampOf(timestamps: 'iso' | 'tai64n' | 'monotonic'): string {
  switch (timestamps) {
    case 'iso':
      return new Date(machineTime.epochMs()).toISOString();
    case 'tai64n':
      return tai64n();
    case 'monotonic':
      return (machineTime.monotonicMs() / 1000).toFixed(6);
  }
}

/** How many lines a block has. */
export function countLines(block: Buffer): number {
  let lines = 0;
  for (let at = block.indexOf(NEWLINE); at >= 0; at = block.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

function selectLines(block: Buffer, patterns: readonly LinePattern[]): Buffer {
  const chosen: Buffer[] = [];
  for (let from = 0; from < block.length; ) {
    const end = block.indexOf(NEWLINE, from);
    if (isChosen(block.toString('utf8', from, end), patterns)) chosen.push(block.subarray(from, end + 1));
    from = end + 1;
  }
  return Buffer.concat(chosen);
}

function isChosen(line: string, patterns: readonly LinePattern[]): boolean {
  const last = patterns.findLast((pattern) =>
    matches(line, 'include' in pattern ? pattern.include : pattern.exclude),
  );
  return last === undefined || 'include' in last;
}

function matches(line: string, pattern: string | RegExp): boolean {
  // `search` starts at the front whatever the expression's flags; `test` of a global one would go on from its last match.
  return typeof pattern === 'string' ? matchesStars(line, pattern) : line.search(pattern) >= 0;
}

/** Whether the parts between the stars are there, one after another. An expression made of them might try for ever. */
function matchesStars(line: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return line === first;
  if (!line.startsWith(first) || !line.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = line.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at + last.length <= line.length;
}
