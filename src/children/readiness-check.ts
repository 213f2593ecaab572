import { InvalidSpecError, type Readiness } from '../core/index.js';

/** Whether the child's stdout has to be read for this. */
export function needsStdout(ready: Readiness | undefined): boolean {
  return typeof ready === 'object' && 'line' in ready;
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
  const offered = ["'spawn'", '{ port }', '{ probe }'];
  if (has.context) offered.push("'explicit'");
  if (has.stdout) offered.push('{ line }');
  if ((ready !== 'explicit' || has.context) && (!needsStdout(ready) || has.stdout)) return;
  throw new InvalidSpecError(subject, {
    rule: 'invalid_ready',
    field: 'ready',
    value: ready,
    expected: `${offered.join(', ')} for this kind of child`,
  });
}
