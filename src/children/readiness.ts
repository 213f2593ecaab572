import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { IncarnationHost } from '../runtime/index.js';
import { awaitAnswer } from './readiness-answer.js';

export { needsStdout } from './readiness-check.js';

/** How much of a line that has no end yet is kept for the match. */
const LONGEST_LINE = 65_536;

/**
 * Says `host.ready()` as soon as the child's `ready` setting holds: at once for `'spawn'`, never for `'explicit'`, which is the child's to say.
 * To be called once the child runs. Returns what ends the watching, at the child's exit or stop; safe to call at any time.
 *
 * @param stdout - the child's, for `{ line }`; it is drained until its end, also after the line was seen
 */
export function awaitReadiness(host: IncarnationHost, stdout?: Readable): () => void {
  const { ready } = host.settings;
  if (typeof ready === 'object' && 'line' in ready) return awaitLine(host, ready.line, stdout);
  if (ready === 'spawn') host.ready();
  return awaitAnswer(host, ready);
}

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
