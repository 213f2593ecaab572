import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ChildEffect,
  type ChildInput,
  type ChildState,
  DOWN,
  isAlive,
  type Ladder,
  nextChild,
} from '../../src/core/index.js';

const ladder: Ladder = { drainMs: 200, shutdown: 50, killWaitMs: 10 };
const brutal: Ladder = { ...ladder, shutdown: 'brutal_kill' };
const patient: Ladder = { ...ladder, shutdown: 'infinity' };
const hasty: Ladder = { ...ladder, drainMs: 0 };

const start: ChildInput = { type: 'start' };
const readied: ChildInput = { type: 'readied' };
const exited: ChildInput = { type: 'exited' };
const timedOut: ChildInput = { type: 'timed-out' };
const drained: ChildInput = { type: 'drained' };
const stop = (how: Ladder): ChildInput => ({ type: 'stop', ladder: how });
const hurry = (how: Ladder): ChildInput => ({ type: 'hurry', ladder: how });

/** An effect as a word and its time. */
function told(effect: ChildEffect): string {
  if ('ms' in effect) return `${effect.do} ${effect.ms}`;
  return 'withinMs' in effect ? `${effect.do} ${effect.withinMs}` : effect.do;
}

function run(inputs: readonly ChildInput[]): { readonly statuses: string[]; readonly effects: string[] } {
  let state: ChildState = DOWN;
  const statuses: string[] = [];
  const effects: string[] = [];
  for (const input of inputs) {
    const step = nextChild(state, input);
    state = step.state;
    statuses.push(state.status);
    effects.push(...step.effects.map(told));
  }
  return { statuses, effects };
}

describe('the way down', () => {
  test('goes rung by rung: drain, stop, kill, survivor', () => {
    const { statuses, effects } = run([start, readied, stop(ladder), timedOut, timedOut, timedOut]);
    expect(statuses).toEqual(['starting', 'ready', 'draining', 'stopping', 'killing', 'survivor']);
    expect(effects.filter((effect) => !effect.startsWith('clear'))).toEqual([
      'spawn',
      'announce-ready',
      'drain 200',
      'ask-to-stop 50',
      'kill 10',
      'announce-survivor',
    ]);
  });

  test('leaves the drain as soon as it is drained', () => {
    expect(run([start, readied, stop(ladder), drained]).statuses.at(-1)).toBe('stopping');
  });

  test.each(['draining', 'stopping', 'killing', 'survivor'])(
    'ends at once where the child is gone while %s',
    (status) => {
      const inputs = [start, readied, stop(ladder), timedOut, timedOut, timedOut];
      const { statuses } = run(inputs);
      const upTo = inputs.slice(0, statuses.indexOf(status) + 1);
      expect(run([...upTo, exited]).statuses.at(-1)).toBe('down');
    },
  );

  test('brutal_kill neither drains nor asks', () => {
    expect(run([start, readied, stop(brutal)]).effects).not.toContain('ask-to-stop 50');
    expect(run([start, readied, stop(brutal)]).statuses.at(-1)).toBe('killing');
  });

  test('infinity sets no limit to the stop step', () => {
    const { effects } = run([start, readied, stop({ ...patient, drainMs: 0 })]);
    expect(effects.at(-1)).toBe('ask-to-stop Infinity');
  });

  test('a child that is not ready has nothing to drain', () => {
    expect(run([start, stop(ladder)]).effects).not.toContain('drain 200');
    expect(run([start, stop(ladder)]).statuses.at(-1)).toBe('stopping');
  });

  test('being told to stop twice asks once', () => {
    const { effects } = run([start, readied, stop(hasty), stop(hasty)]);
    expect(effects.filter((effect) => effect.startsWith('ask-to-stop'))).toHaveLength(1);
  });

  test('hurrying leaves the drain for the stop step, and never lifts a shorter limit', () => {
    const longer = { ...ladder, shutdown: 5000 };
    const { statuses, effects } = run([start, readied, stop(ladder), hurry(longer)]);
    expect(statuses.at(-1)).toBe('stopping');
    expect(effects.at(-1)).toBe('ask-to-stop 50');
  });

  test('hurrying to the kill kills from any rung', () => {
    expect(run([start, readied, stop(ladder), hurry(brutal)]).statuses.at(-1)).toBe('killing');
    expect(run([start, readied, stop(hasty), hurry(brutal)]).statuses.at(-1)).toBe('killing');
    expect(run([start, readied, hurry(brutal)]).statuses.at(-1)).toBe('killing');
  });
});

describe('a start', () => {
  test('that was ready at once sets no timer', () => {
    expect(run([start, readied]).effects).toEqual(['spawn', 'clear-timer', 'announce-ready']);
  });

  test('that is still under way is limited', () => {
    expect(run([start, { type: 'launched', startTimeoutMs: 70 }]).effects).toEqual(['spawn', 'set-timer 70']);
  });

  test('that declines goes down without an exit', () => {
    expect(run([start, { type: 'ignored' }]).statuses.at(-1)).toBe('down');
  });
});

test('a pending restart can be cancelled, or begun', () => {
  expect(run([{ type: 'delay' }, { type: 'cancel' }]).statuses).toEqual(['waiting', 'down']);
  expect(run([{ type: 'delay' }, start]).statuses).toEqual(['waiting', 'starting']);
});

test('whatever arrives in whatever order, one life is spawned at a time, and only an exit ends it', () => {
  const inputs: ChildInput[] = [
    start,
    { type: 'delay' },
    { type: 'cancel' },
    readied,
    { type: 'ignored' },
    stop(ladder),
    stop(brutal),
    stop(patient),
    drained,
    { type: 'extended', forMs: 5 },
    hurry(ladder),
    hurry(brutal),
    timedOut,
    exited,
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...inputs), { maxLength: 60 }), (sequence) => {
      let state: ChildState = DOWN;
      for (const input of sequence) {
        const before = state;
        const step = nextChild(state, input);
        const spawns = step.effects.filter((effect) => effect.do === 'spawn').length;
        expect(spawns === 0 || !isAlive(before.status)).toBe(true);
        const ended = isAlive(before.status) && !isAlive(step.state.status);
        expect(!ended || input.type === 'exited' || input.type === 'ignored').toBe(true);
        state = step.state;
      }
    }),
  );
});

test('hurrying a stop step that is limited already does not begin its time anew', () => {
  const { effects } = run([start, readied, stop(hasty), hurry(ladder)]);
  expect(effects.at(-1)).toBe('ask-to-stop 50');
  expect(run([start, readied, stop({ ...patient, drainMs: 0 }), hurry(ladder)]).effects.at(-1)).toBe(
    'set-timer 50',
  );
});
