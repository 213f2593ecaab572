import { type ErrorFacts, errorFacts, type Readiness } from '../core/index.js';
import type { IncarnationHost, Timer } from '../runtime/index.js';

const PROBE_EVERY_MS = 100;

/**
 * Says `host.ready()` once a port accepts or a probe answers; anything else is not for it. Returns what ends the watching, at the child's exit or
 * stop; safe to call at any time.
 */
export function awaitAnswer(host: IncarnationHost, ready: Readiness): () => void {
  if (typeof ready === 'object') {
    if ('port' in ready) return awaitPort(host, ready.port, ready.host);
    if ('probe' in ready) return awaitProbe(host, ready.probe, ready.everyMs);
  }
  return () => undefined;
}

/** The code is loaded only here, as few programs wait for a port. */
function awaitPort(host: IncarnationHost, port: number, at: string | undefined): () => void {
  const ended = new AbortController();
  void import('./process/port.js').then(
    ({ watchPort }) => watchPort(host, port, at, ended.signal),
    (error: unknown) => host.note(`could not watch port ${port}`, errorFacts(error)),
  );
  return () => ended.abort();
}

function awaitProbe(
  host: IncarnationHost,
  probe: () => boolean | Promise<boolean>,
  everyMs = PROBE_EVERY_MS,
): () => void {
  let over = false;
  let timer: Timer | undefined;
  let failure: ErrorFacts | undefined;
  const ask = async (): Promise<void> => {
    let ready = false;
    try {
      failure = undefined;
      ready = await probe();
    } catch (error) {
      // A probe that throws found the child not ready; the last failure is told if it never was.
      failure = errorFacts(error);
    }
    if (over) return;
    if (ready) {
      over = true;
      host.ready();
    } else {
      timer = host.clock.after(everyMs, () => void ask());
    }
  };
  void ask();
  return () => {
    timer?.cancel();
    if (!over && failure !== undefined)
      host.note(`its last readiness probe failed: ${failure.message}`, failure);
    over = true;
  };
}
