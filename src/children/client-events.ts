/** Listens to an event of an EventEmitter, an EventTarget, or a client that has an `on` of its own; false if it has no events. */
export function listen(
  client: unknown,
  event: string,
  listener: (...args: readonly unknown[]) => void,
): boolean {
  if ((typeof client !== 'object' || client === null) && typeof client !== 'function') return false;
  const { on, addEventListener } = client as Record<string, unknown>;
  const add = typeof on === 'function' ? on : addEventListener;
  if (typeof add !== 'function') return false;
  add.call(client, event, listener);
  return true;
}

/** What went wrong, from the arguments of an event: the error among them, or one that names the event. */
export function errorOfEvent(event: string, args: readonly unknown[]): unknown {
  const [first] = args;
  if (first instanceof Error) return first;
  return new Error(`the consumer emitted "${event}"`, first === undefined ? {} : { cause: first });
}
