import { describeExit, describeLimit, type SupervisionEvent } from '../core/index.js';
import type { Logger } from '../runtime/index.js';

/**
 * Writes what an operator wants to read of each event: one line, its facts beside it. The everyday ones (starts, orderly stops) are left to
 * those who listen for events.
 */
export function logTo(logger: Logger): (event: SupervisionEvent) => void {
  return (event) => logEvent(logger, event);
}

function logEvent(logger: Logger, event: SupervisionEvent): void {
  switch (event.type) {
    case 'child:exited':
      if (!event.expected) logger.warn(event, `${event.child} ${describeExit(event.exit)}`);
      return;
    case 'child:start-failed':
      return logger.warn(event, `${event.child} did not start: ${describeExit(event.exit)}`);
    case 'child:stray-error':
      return logger.warn(event, `${event.child} left something behind that failed: ${event.error.message}`);
    case 'supervisor:gave-up':
      return logger.error(
        event,
        `${event.supervisor} gives up: ${describeLimit(event)} in ${event.periodMs} ms`,
      );
    case 'child:kept-down':
      return logger.warn(event, `${event.child} stays down: ${event.why}`);
    case 'child:survived':
      return logger.error(event, `${event.child} has outlived its kill: ${event.why}`);
    case 'listener:failed':
      return logger.error(event, `a listener of ${event.event} failed: ${event.error.message}`);
    case 'signal:received':
      return logger.info(event, `${event.signal}: ${LEVELS[event.level] ?? 'handed on'}`);
  }
}

const LEVELS: readonly (string | undefined)[] = [
  undefined,
  'the tree drains and stops',
  'the drain is cut short',
  'everything is ended at once',
];
