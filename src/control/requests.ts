import { ControlError, type ControlFailure, checkFields, InvalidSpecError } from '../core/index.js';
import { LARGEST_WINDOW, OPERATIONS, type Operation, type OperationName } from './operations.js';
import type { Aside, Request, RequestId } from './protocol.js';

/** A line that has been read and found to be in order. */
export type Understood =
  | { readonly type: 'request'; readonly id: RequestId; readonly op: OperationName; readonly args: object }
  | { readonly type: 'cancel'; readonly id: RequestId }
  | { readonly type: 'grant'; readonly id: RequestId; readonly items: number };

/** A line that is no request, with the id it bears, if it can be read. */
export class NotUnderstood extends ControlError {
  readonly id: RequestId | null;

  constructor(id: RequestId | null, failure: ControlFailure, message: string) {
    super(failure, message);
    this.id = id;
  }
}

/** @throws NotUnderstood for a line that means nothing */
export function understand(line: string): Understood {
  const said = parsed(line);
  if (Object.hasOwn(said, 'cancel')) return { type: 'cancel', id: idOf(said, 'cancel') };
  if (Object.hasOwn(said, 'grant'))
    return { type: 'grant', id: idOf(said, 'grant'), items: itemsOf(said as Aside) };
  return request(idOf(said, 'id'), said as unknown as Request);
}

/** @throws InvalidSpecError for an argument that is missing, unknown or wrong */
export function checkArguments(op: OperationName, args: object): void {
  const subject = `the request "${op}"`;
  const operation: Operation = OPERATIONS[op];
  for (const name of Object.keys(args)) {
    if (!Object.hasOwn(operation.args, name)) throw misspelt(subject, name, Object.keys(operation.args));
  }
  for (const name of operation.required) {
    if (!Object.hasOwn(args, name)) throw missing(subject, name, operation.args[name]?.expected ?? '');
  }
  checkFields(subject, args, operation.args);
}

function request(id: RequestId, { id: _, op, ...args }: Request): Understood {
  if (typeof op !== 'string') {
    throw new NotUnderstood(id, 'bad-request', 'A request names its operation: {"id":1,"op":"status"}.');
  }
  // Own names only: "constructor" and "__proto__" are operations of no version.
  if (!Object.hasOwn(OPERATIONS, op)) {
    const names = Object.keys(OPERATIONS).join(', ');
    throw new NotUnderstood(
      id,
      'unknown-operation',
      `There is no operation ${quoted(op)}. There are: ${names}.`,
    );
  }
  try {
    checkArguments(op as OperationName, args);
  } catch (error) {
    if (error instanceof InvalidSpecError) throw new NotUnderstood(id, 'bad-request', error.message);
    throw error;
  }
  return { type: 'request', id, op: op as OperationName, args };
}

function parsed(line: string): object {
  const said = parsedOrNot(line);
  if (typeof said === 'object' && said !== null && !Array.isArray(said)) return said;
  throw new NotUnderstood(null, 'bad-request', `A line is a JSON object, and not ${quoted(line)}.`);
}

function parsedOrNot(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Whatever is wrong with it, it is no request.
    return undefined;
  }
}

const LONGEST_ID = 100;

function idOf(said: object, name: string): RequestId {
  const id: unknown = (said as Record<string, unknown>)[name];
  if (Number.isFinite(id) || (typeof id === 'string' && id.length <= LONGEST_ID)) return id as RequestId;
  const expected = `"${name}" must be a number, or a string of at most ${LONGEST_ID} characters`;
  throw new NotUnderstood(null, 'bad-request', `${expected}: by it the answer is told from others.`);
}

function itemsOf(said: object): number {
  const { items } = said as { items?: unknown };
  if (typeof items === 'number' && Number.isInteger(items) && items > 0 && items <= LARGEST_WINDOW)
    return items;
  throw new NotUnderstood(null, 'bad-request', `"items" must be a whole number from 1 to ${LARGEST_WINDOW}.`);
}

function misspelt(subject: string, name: string, known: readonly string[]): InvalidSpecError {
  return new InvalidSpecError(subject, {
    rule: 'invalid_option',
    field: quoted(name),
    value: 'given',
    expected: `left out: its arguments are ${known.join(', ')}`,
  });
}

function missing(subject: string, name: string, expected: string): InvalidSpecError {
  return new InvalidSpecError(subject, { rule: 'invalid_option', field: name, value: undefined, expected });
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
