const KEY = Symbol.for('treewarden/shutdown/1');

/** What a participant is told when the program is stopped by a signal. */
export interface ShutdownCall {
  readonly signal: string;
  /** Aborted when the program waits no longer. */
  readonly deadline: AbortSignal;
  /** How long that is from the call on, in ms. */
  readonly withinMs: number;
}

/** One who takes part in the program's shutdown. */
export interface ShutdownParticipant {
  readonly name: string;
  /** Called once, after the supervised tree is down. The program waits for the promise, as long as its grace lasts. */
  readonly stop: (call: ShutdownCall) => unknown;
}

/**
 * Joins the program's shutdown: when a signal ends a supervised program, `stop` is called after its tree is down, together with
 * every other participant's. Returns what leaves again.
 *
 * A library joins without importing this package: the bus is a `Set` of participants under a well-known symbol, which whoever comes first
 * makes.
 *
 * @example
 * ```ts
 * const BUS = Symbol.for('treewarden/shutdown/1');
 * globalThis[BUS] ??= new Set();
 * globalThis[BUS].add({ name: 'telemetry', stop: ({ deadline }) => exporter.flush({ signal: deadline }) });
 * ```
 */
export function joinShutdown(name: string, stop: ShutdownParticipant['stop']): () => void {
  const shared = globalThis as { [KEY]?: Set<ShutdownParticipant> };
  shared[KEY] ??= new Set();
  const bus = shared[KEY];
  const participant: ShutdownParticipant = { name, stop };
  bus.add(participant);
  return () => void bus.delete(participant);
}

/** Those who have joined. */
export function participants(): ReadonlySet<ShutdownParticipant> | undefined {
  return (globalThis as { [KEY]?: Set<ShutdownParticipant> })[KEY];
}
