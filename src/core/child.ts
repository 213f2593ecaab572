import type { Shutdown } from './spec.js';

/**
 * The life of one child, as a table: one row per status, one column per input. An absent cell is ignored on purpose,
 * such as news of a time limit that has just been lifted.
 *
 * The stop ladder is the way down: ready → draining → stopping → killing, each rung left early as soon as its work is done.
 * What outlives the kill is a survivor: it is named, and nothing takes its place until it is gone.
 */
export type ChildState =
  | { readonly status: 'down' }
  | { readonly status: 'waiting' }
  | { readonly status: 'starting' }
  | { readonly status: 'ready' }
  | { readonly status: 'draining'; readonly ladder: Ladder }
  | { readonly status: 'stopping'; readonly ladder: Ladder }
  | { readonly status: 'killing'; readonly ladder: Ladder }
  | { readonly status: 'survivor' };

/**
 * Where a child is in its life: *down*: it has no life; *waiting*: it is down, and its restart is due; *starting*, *ready*; *draining*, *stopping*, *killing*:
 * on the way down, by the rung; *survivor*: it has outlived its kill.
 */
export type ChildStatus = ChildState['status'];

/** How long each rung of a stop may take, in ms; `drainMs` 0 leaves the rung out. */
export interface Ladder {
  readonly drainMs: number;
  readonly shutdown: Shutdown;
  /** How long an end is waited for after the kill, before the child counts as a survivor. */
  readonly killWaitMs: number;
}

export type ChildInput =
  | { readonly type: 'start' }
  | { readonly type: 'launched'; readonly startTimeoutMs: number }
  | { readonly type: 'delay' }
  | { readonly type: 'cancel' }
  | { readonly type: 'readied' }
  | { readonly type: 'ignored' }
  | { readonly type: 'stop'; readonly ladder: Ladder }
  | { readonly type: 'drained' }
  | { readonly type: 'extended'; readonly forMs: number }
  | { readonly type: 'hurry'; readonly ladder: Ladder }
  | { readonly type: 'timed-out' }
  | { readonly type: 'exited' };

/**
 * What the runtime is to do. It answers with further inputs. The steps of a stop bring their limit with them: it is set once the child has been
 * asked, unless that was all it took.
 */
export type ChildEffect =
  | { readonly do: 'spawn' }
  | { readonly do: 'drain'; readonly withinMs: number }
  | { readonly do: 'ask-to-stop'; readonly withinMs: number }
  | { readonly do: 'kill'; readonly withinMs: number }
  | { readonly do: 'announce-ready' }
  | { readonly do: 'announce-survivor' }
  | { readonly do: 'start-took-too-long' }
  | { readonly do: 'set-timer'; readonly ms: number }
  | { readonly do: 'clear-timer' };

export interface ChildStep {
  readonly state: ChildState;
  readonly effects: readonly ChildEffect[];
}

type Cell<S, I> = (state: S, input: I) => ChildStep;

type Transitions = {
  readonly [S in ChildStatus]: {
    readonly [I in ChildInput['type']]?: Cell<
      Extract<ChildState, { status: S }>,
      Extract<ChildInput, { type: I }>
    >;
  };
};

/** @returns the next state and what to do; the same state and nothing, where the input has no meaning. */
export function nextChild(state: ChildState, input: ChildInput): ChildStep {
  // Safe: a cell is only ever called with the state and input that select it.
  const cell = transitions[state.status][input.type] as Cell<ChildState, ChildInput> | undefined;
  return cell === undefined ? { state, effects: NOTHING } : cell(state, input);
}

/** Whether an incarnation exists, or may. */
export function isAlive(status: ChildStatus): boolean {
  return status !== 'down' && status !== 'waiting';
}

export const DOWN: ChildState = { status: 'down' };
const WAITING: ChildState = { status: 'waiting' };
const STARTING: ChildState = { status: 'starting' };
const READY: ChildState = { status: 'ready' };
const SURVIVOR: ChildState = { status: 'survivor' };

// Shared, because a tree makes these steps hundreds of thousands of times a second.
const NOTHING: readonly ChildEffect[] = [];
const ANNOUNCE_READY: ChildEffect = { do: 'announce-ready' };
const CLEAR_TIMER: ChildEffect = { do: 'clear-timer' };
const STEP_SPAWN: ChildStep = { state: STARTING, effects: [{ do: 'spawn' }] };
const STEP_DOWN: ChildStep = { state: DOWN, effects: NOTHING };
const STEP_DOWN_CLEAR: ChildStep = { state: DOWN, effects: [CLEAR_TIMER] };
const STEP_WAITING: ChildStep = { state: WAITING, effects: NOTHING };
const STEP_READY: ChildStep = { state: READY, effects: [CLEAR_TIMER, ANNOUNCE_READY] };
const STEP_SURVIVOR: ChildStep = { state: SURVIVOR, effects: [{ do: 'announce-survivor' }] };

const start = (): ChildStep => STEP_SPAWN;

const down = (): ChildStep => STEP_DOWN;
const downClear = (): ChildStep => STEP_DOWN_CLEAR;

const drain = (_: unknown, { ladder }: { ladder: Ladder }): ChildStep => {
  if (ladder.shutdown === 'brutal_kill') return kill(ladder);
  if (ladder.drainMs <= 0) return ask(ladder);
  return {
    state: { status: 'draining', ladder },
    effects: [{ do: 'drain', withinMs: ladder.drainMs }],
  };
};

// A child that is not ready yet serves nobody, so it has nothing to drain.
const stopUnready = (_: unknown, { ladder }: { ladder: Ladder }): ChildStep =>
  ladder.shutdown === 'brutal_kill' ? kill(ladder) : ask(ladder);

function ask(ladder: Ladder): ChildStep {
  const withinMs = typeof ladder.shutdown === 'number' ? ladder.shutdown : Number.POSITIVE_INFINITY;
  return { state: { status: 'stopping', ladder }, effects: [{ do: 'ask-to-stop', withinMs }] };
}

function kill(ladder: Ladder): ChildStep {
  return {
    state: { status: 'killing', ladder },
    effects: [{ do: 'kill', withinMs: ladder.killWaitMs }],
  };
}

/** Hastens the stop step: to the kill, or to a limit where it had none. A limit that runs already is not set anew, which would lengthen it. */
function hurry(state: { status: 'stopping'; ladder: Ladder }, { ladder }: { ladder: Ladder }): ChildStep {
  if (ladder.shutdown === 'brutal_kill') return kill(ladder);
  if (typeof state.ladder.shutdown === 'number') return { state, effects: NOTHING };
  return {
    state: { status: 'stopping', ladder },
    effects: typeof ladder.shutdown === 'number' ? [{ do: 'set-timer', ms: ladder.shutdown }] : NOTHING,
  };
}

function shorter(a: Shutdown, b: Shutdown): Shutdown {
  if (typeof a !== 'number') return b;
  return typeof b === 'number' ? Math.min(a, b) : a;
}

const transitions: Transitions = {
  down: { start, delay: () => STEP_WAITING },
  waiting: { start, cancel: down },
  starting: {
    // Said only of a start that is still under way: a child that was ready at once needs no timer.
    launched: (state, { startTimeoutMs }) => ({ state, effects: [{ do: 'set-timer', ms: startTimeoutMs }] }),
    readied: () => STEP_READY,
    ignored: downClear,
    stop: stopUnready,
    hurry: stopUnready,
    'timed-out': () => ({ state: STARTING, effects: [{ do: 'start-took-too-long' }] }),
    exited: downClear,
  },
  ready: { stop: drain, hurry: stopUnready, exited: down },
  draining: {
    drained: ({ ladder }) => ask(ladder),
    extended: (state, { forMs }) => ({ state, effects: [{ do: 'set-timer', ms: forMs }] }),
    hurry: ({ ladder: old }, { ladder }) =>
      ladder.shutdown === 'brutal_kill'
        ? kill(ladder)
        : ask({ ...ladder, shutdown: shorter(old.shutdown, ladder.shutdown) }),
    'timed-out': ({ ladder }) => ask(ladder),
    exited: downClear,
  },
  stopping: { hurry, 'timed-out': ({ ladder }) => kill(ladder), exited: downClear },
  killing: { 'timed-out': () => STEP_SURVIVOR, exited: downClear },
  survivor: { exited: down },
};
