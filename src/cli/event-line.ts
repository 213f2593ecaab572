import type { ToldEvent } from '../control/index.js';
import { duration } from './amounts.js';
import type { ExitWords } from './status-table.js';
import type { Style } from './terminal.js';

/** An event as a line for people: whom it is about, and what happened. */
export interface EventLine {
  /** The path of the child or supervisor; empty for what is about the whole program. */
  readonly path: string;
  readonly text: string;
  /** How much it matters. */
  readonly style?: Style;
}

export function eventLine(event: ToldEvent, words: ExitWords): EventLine {
  switch (event.type) {
    case 'supervisor:starting':
      return { path: event.supervisor, text: 'starting' };
    case 'supervisor:ready':
      return { path: event.supervisor, text: `ready after ${duration(event.tookMs)}`, style: 'green' };
    case 'supervisor:stopping':
      return { path: event.supervisor, text: 'stopping', style: 'yellow' };
    case 'supervisor:stopped':
      return { path: event.supervisor, text: words(event.exit) };
    case 'supervisor:gave-up':
      return {
        path: event.supervisor,
        text: `gives up: ${event.restarts} restarts within ${duration(event.periodMs)}, the last of ${event.child}`,
        style: 'red',
      };
    case 'supervisor:auto-shutdown':
      return { path: event.supervisor, text: `ends, as ${event.child} has` };
    case 'child:added':
      return { path: event.child, text: 'added' };
    case 'child:removed':
      return { path: event.child, text: 'removed' };
    case 'child:starting':
      return { path: event.child, text: `starting (incarnation ${event.incarnation})` };
    case 'child:ready':
      return {
        path: event.child,
        text: `ready after ${duration(event.tookMs)}${event.pid === undefined ? '' : ` (pid ${event.pid})`}`,
        style: 'green',
      };
    case 'child:ignored':
      return { path: event.child, text: 'declined to run' };
    case 'child:start-failed':
      return { path: event.child, text: `did not start: ${words(event.exit)}`, style: 'red' };
    case 'child:stopping':
      return { path: event.child, text: STEPS[event.step], style: event.step === 'kill' ? 'red' : 'yellow' };
    case 'child:paused':
      return { path: event.child, text: 'paused', style: 'yellow' };
    case 'child:resumed':
      return { path: event.child, text: 'goes on', style: 'green' };
    case 'child:reloading':
      return { path: event.child, text: 'asked to reload' };
    case 'child:kept-down':
      return { path: event.child, text: `stays down: ${event.why}`, style: 'yellow' };
    case 'child:exited':
      return {
        path: event.child,
        text: `${words(event.exit)} after ${duration(event.ranMs)}`,
        ...(event.expected ? {} : { style: 'red' }),
      };
    case 'child:survived':
      return {
        path: event.child,
        text: `outlived its kill${event.pid === undefined ? '' : ` (pid ${event.pid})`}: ${event.why}`,
        style: 'red',
      };
    case 'child:restarting':
      return {
        path: event.child,
        text: event.delayMs === 0 ? 'restarting at once' : `restarting in ${duration(event.delayMs)}`,
        style: 'yellow',
      };
    case 'child:fault':
      return { path: event.child, text: words(event.exit), style: 'red' };
    case 'child:stray-error':
      return {
        path: event.child,
        text: `left something behind that failed: ${event.error.message}`,
        style: 'red',
      };
    case 'child:noted':
      return {
        path: event.child,
        text: event.error === undefined ? event.note : `${event.note}: ${event.error.message}`,
      };
    case 'signal:received':
      return { path: '', text: `${event.signal}: ${LEVELS[event.level] ?? 'handed on'}`, style: 'yellow' };
    case 'listener:failed':
      return { path: '', text: `a listener of ${event.event} failed: ${event.error.message}`, style: 'red' };
  }
}

const STEPS = {
  drain: 'asked to finish its work',
  stop: 'asked to stop',
  kill: 'killed',
} as const;

const LEVELS: readonly (string | undefined)[] = [
  undefined,
  'the tree drains and stops',
  'the drain is cut short',
  'everything is ended at once',
];
