import type { SupervisionEvent } from '../../index.js';
import { clockTime } from '../amounts.js';
import { eventLine } from '../event-line.js';
import type { ExitWords } from '../status-table.js';
import type { Terminal } from '../terminal.js';
import { harmless } from '../text.js';

/** Says what an operator must know of a tree that runs here: a line on stderr for each restart, fault and end that nobody asked for. */
export class Narration {
  readonly #terminal: Terminal;
  readonly #words: ExitWords;

  constructor(terminal: Terminal, words: ExitWords) {
    this.#terminal = terminal;
    this.#words = words;
  }

  /** Tells an event, if it is one of those. */
  tell(event: SupervisionEvent): void {
    if (!isTold(event)) return;
    const { path, text, style = 'dim' } = eventLine(event, this.#words);
    const last = event.type === 'child:exited' ? (event.stderr?.at(-1) ?? '') : '';
    this.say(
      path,
      this.#terminal.paintComplaint(style, harmless(text)),
      last === '' ? '' : `"${harmless(last)}"`,
    );
  }

  /** A line of our own, about a path or the whole. */
  say(path: string, ...texts: readonly string[]): void {
    const { paintComplaint } = this.#terminal;
    const at = clockTime(new Date());
    const about = path === '' ? '' : paintComplaint('bold', harmless(path));
    const parts = [paintComplaint('dim', at), about, ...texts];
    this.#terminal.complain(parts.filter((part) => part !== '').join('  '));
  }
}

function isTold(event: SupervisionEvent): boolean {
  switch (event.type) {
    case 'child:exited':
      return !event.expected;
    case 'child:stopping':
      return event.step === 'kill';
    default:
      return TOLD.includes(event.type);
  }
}

const TOLD: readonly SupervisionEvent['type'][] = [
  'supervisor:gave-up',
  'child:start-failed',
  'child:kept-down',
  'child:survived',
  'child:restarting',
  'child:fault',
  'child:stray-error',
  'child:noted',
  'child:paused',
  'child:resumed',
  'child:reloading',
  'listener:failed',
];
