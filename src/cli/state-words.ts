import type { TreeStatus } from '../control/index.js';
import type { Style, Terminal } from './terminal.js';

/** The state of a node in a word: `ready`, or `paused` where that hides it. */
export function stateOf({ status, paused }: TreeStatus): string {
  return paused === true ? 'paused' : status;
}

const STYLES: Readonly<Record<string, Style>> = {
  ready: 'green',
  down: 'dim',
  waiting: 'yellow',
  starting: 'cyan',
  paused: 'yellow',
  draining: 'yellow',
  stopping: 'yellow',
  killing: 'red',
  survivor: 'red',
};

/** In the colour that a state has. */
export function paintState(state: string, terminal: Pick<Terminal, 'paint'>): (text: string) => string {
  const style = STYLES[state];
  return (text) => (style === undefined ? text : terminal.paint(style, text));
}
