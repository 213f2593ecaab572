/**
 * Calls `listener` when the signal is aborted, and never if it is already. However many wait by one signal, it has one listener of ours: more
 * than ten would make Node warn of a leak, on behalf of a program that has none.
 *
 * @returns what takes it back; safe to call twice
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const listeners = LISTENERS.get(signal) ?? listen(signal);
  // The same function may be given twice.
  const own = (): void => listener();
  listeners.add(own);
  return () => {
    if (listeners.delete(own) && listeners.size === 0) forget(signal, listeners);
  };
}

class Listeners extends Set<() => void> {
  readonly tell = (): void => {
    for (const listener of [...this]) listener();
  };
}

const LISTENERS = new WeakMap<AbortSignal, Listeners>();

function listen(signal: AbortSignal): Listeners {
  const listeners = new Listeners();
  LISTENERS.set(signal, listeners);
  signal.addEventListener('abort', listeners.tell, { once: true });
  return listeners;
}

function forget(signal: AbortSignal, listeners: Listeners): void {
  signal.removeEventListener('abort', listeners.tell);
  if (LISTENERS.get(signal) === listeners) LISTENERS.delete(signal);
}
