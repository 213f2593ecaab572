import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import {
  checkDuration,
  type ErrorFacts,
  errorFacts,
  InvalidSpecError,
  type Readiness,
} from '../core/index.js';
import type { IncarnationHost, Timer } from '../runtime/index.js';

const PROBE_EVERY_MS = 100;
/** How much of a line that has no end yet is kept for the match. */
const LONGEST_LINE = 65_536;

/** Whether the child's stdout has to be read for this. */
export function needsStdout(ready: Readiness | undefined): boolean {
  return partsOf(ready).line !== undefined;
}

/**
 * Refuses a `ready` that the kind has no means for: `'explicit'` needs a context or a channel, `{ line }` needs a stdout.
 * @throws InvalidSpecError
 */
export function checkReadiness(
  subject: string,
  ready: Readiness | undefined,
  has: { readonly context: boolean; readonly stdout: boolean },
): void {
  const { everyMs, host } = partsOf(ready);
  checkDuration(subject, 'ready.everyMs', everyMs, 1);
  if (host !== undefined && typeof host !== 'string')
    refuse(subject, 'ready.host', host, 'a host name or address');
  const offered = ["'spawn'", '{ port }', '{ probe }'];
  if (has.context) offered.push("'explicit'");
  if (has.stdout) offered.push('{ line }');
  if ((ready === 'explicit' && !has.context) || (needsStdout(ready) && !has.stdout)) {
    refuse(subject, 'ready', ready, `${offered.join(', ')} for this kind of child`);
  }
}

function refuse(subject: string, field: string, value: unknown, expected: string): never {
  throw new InvalidSpecError(subject, { rule: 'invalid_ready', field, value, expected });
}

/** What a readiness is made of, whichever kind it is. */
interface Parts {
  readonly line?: RegExp | string;
  readonly port?: number;
  readonly host?: string;
  readonly probe?: () => boolean | Promise<boolean>;
  readonly everyMs?: number;
}

function partsOf(ready: Readiness | undefined): Parts {
  return typeof ready === 'object' ? ready : {};
}

/**
 * Says `host.ready()` as soon as the child's `ready` setting holds: at once for `'spawn'`, never for `'explicit'`, which is the child's to say.
 * To be called once the child runs. Returns what ends the watching, at the child's exit or stop; safe to call at any time.
 *
 * @param stdout - the child's, for `{ line }`; it is drained until its end, also after the line was seen
 */
export function awaitReadiness(host: IncarnationHost, stdout?: Readable): () => void {
  const { ready } = host.settings;
  if (ready === 'explicit') return nothing;
  if (ready === 'spawn') {
    host.ready();
    return nothing;
  }
  const { line, port, host: at, probe, everyMs } = partsOf(ready);
  if (line !== undefined) return awaitLine(host, line, stdout);
  if (port !== undefined) return awaitPort(host, port, at);
  return probe === undefined ? nothing : awaitProbe(host, probe, everyMs);
}

const nothing = (): void => undefined;

function awaitLine(host: IncarnationHost, line: RegExp | string, stdout: Readable | undefined): () => void {
  const decoder = new StringDecoder('utf8');
  let partial: string | undefined = '';
  stdout?.on('data', (chunk: Buffer) => {
    if (partial === undefined) return;
    const lines = (partial + decoder.write(chunk)).split('\n');
    if (lines.some((text) => matches(line, text))) {
      partial = undefined;
      host.ready();
    } else {
      partial = lines.at(-1)?.slice(-LONGEST_LINE);
    }
  });
  return () => {
    partial = undefined;
  };
}

function matches(line: RegExp | string, text: string): boolean {
  if (typeof line === 'string') return text.includes(line);
  // `search` starts at the front whatever the expression's flags; `test` of a global one would go on from its last match.
  return text.replace(/\r$/, '').search(line) >= 0;
}

function awaitPort(host: IncarnationHost, port: number, at = 'localhost'): () => void {
  const ended = new AbortController();
  // Loaded only here, as few programs wait for a port.
  void import('./process/port.js')
    .then(({ portOpens }) => portOpens(port, at, ended.signal))
    .then(
      () => {
        if (!ended.signal.aborted) host.ready();
      },
      (error: unknown) => {
        // Attempts never run out, so either the watching was ended, or the trying itself broke.
        if (!ended.signal.aborted) host.note(`could not watch port ${port}`, errorFacts(error));
      },
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
