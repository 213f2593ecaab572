import { ControlError, type EventOf, type ExitRecord } from '../../core/index.js';
import type { Child, ChildOutput, OutputLine } from '../../runtime/index.js';
import type { LoggedLine } from '../client.js';
import type { Operations } from '../operations.js';
import type { StreamCall } from './call.js';
import { fullPath, isWithin, leavesAt, nodeAt, type ServedTree } from './tree.js';

const LINES = 10;
const ALL_THAT_ARE_KEPT = Number.MAX_SAFE_INTEGER;

type LogCall = StreamCall<LoggedLine>;

/**
 * Tells the last lines of what is at a path and below and, if asked to follow, all that come, of every incarnation.
 *
 * @throws UnknownChildError @throws ControlError for a child that runs and whose output goes elsewhere
 */
export function tellLogs(
  tree: ServedTree,
  { path, lines = LINES, follow = false }: Operations['logs']['args'],
  call: LogCall,
): null | Promise<null> {
  const leaves = leavesAt(tree.root, path);
  for (const leaf of leaves) if (nodeAt(tree.root, path)?.path === leaf.path) checkCaptured(leaf);
  const last = leaves.flatMap((leaf) => lastLines(leaf, lines));
  for (const line of last.sort((a, b) => a.atMs - b.atMs)) call.tell(line);
  if (!follow) return null;
  const ears = new Ears(call);
  for (const leaf of leaves) ears.follow(leaf);
  followRestarts(tree, fullPath(tree.root, path), ears, call);
  // It ends with the reader's interest, or with the tree.
  return new Promise(() => undefined);
}

/** Has log files opened anew. Returns how many of the children have some, once the old files are written no more. @throws what could not be opened */
export async function reopenLogs(leaves: readonly Child[]): Promise<number> {
  const outcomes = await Promise.allSettled(leaves.flatMap((leaf) => outputOf(leaf)?.reopen?.() ?? []));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return outcomes.length;
}

/** An incarnation that starts later is heard from its first line on. */
function followRestarts({ root, clock }: ServedTree, node: string, ears: Ears, call: LogCall): void {
  const hear = ({ child }: EventOf<'child:starting' | 'child:ready'>): void => {
    if (!isWithin(child, node)) return;
    // A moment later: what writes is made once its start has been told.
    clock.yield(() => {
      for (const leaf of leavesAt(root, undefined)) if (leaf.path === child) ears.hear(leaf);
    });
  };
  const catchUp = (record: ExitRecord): void => {
    if (isWithin(record.child, node)) ears.catchUp(record);
  };
  call.defer(root.on('child:starting', hear));
  call.defer(root.on('child:ready', hear));
  call.defer(root.on('child:exited', catchUp));
  call.defer(root.on('child:start-failed', catchUp));
}

/** What one stream listens to: of each child the incarnation that it has now. */
class Ears {
  readonly #call: LogCall;
  readonly #heard = new Map<string, { readonly incarnation: number; readonly off: () => void }>();
  #isClosed = false;

  constructor(call: LogCall) {
    this.#call = call;
    call.defer(() => {
      this.#isClosed = true;
      for (const { off } of this.#heard.values()) off();
    });
  }

  /** Hears an incarnation from now on. */
  follow(leaf: Child): void {
    const output = outputOf(leaf);
    if (output === undefined || this.#isClosed) return;
    const { path, incarnation } = leaf;
    this.#heard.get(path)?.off();
    const off = output.follow((line) => this.#call.tell(logged(path, incarnation, line)));
    this.#heard.set(path, { incarnation, off });
  }

  /** Hears an incarnation that has not been heard yet, with what it has written already. */
  hear(leaf: Child): void {
    if (this.#isClosed || this.#knows(leaf.path, leaf.incarnation)) return;
    const written = outputOf(leaf)?.tail(ALL_THAT_ARE_KEPT) ?? [];
    for (const line of written) this.#call.tell(logged(leaf.path, leaf.incarnation, line));
    this.follow(leaf);
  }

  /** One that ended before it could be heard has left its last words. The listener of one that was heard goes with it. */
  catchUp(record: ExitRecord): void {
    if (this.#knows(record.child, record.incarnation)) return;
    this.#heard.set(record.child, { incarnation: record.incarnation, off: () => undefined });
    for (const line of lastWords(record)) this.#call.tell(line);
  }

  #knows(path: string, incarnation: number): boolean {
    return this.#heard.get(path)?.incarnation === incarnation;
  }
}

/** The last lines of the incarnation that runs; else what the last one left on stderr. */
function lastLines(leaf: Child, count: number): readonly LoggedLine[] {
  if (count === 0) return [];
  const output = outputOf(leaf);
  if (output === undefined) return leaf.lastExit === undefined ? [] : lastWords(leaf.lastExit).slice(-count);
  return output.tail(count).map((line) => logged(leaf.path, leaf.incarnation, line));
}

function lastWords({ child, incarnation, stderr = [], atMs }: ExitRecord): readonly LoggedLine[] {
  return stderr.map((text) => ({ child, incarnation, stream: 'stderr', text, atMs }));
}

function logged(child: string, incarnation: number, { stream, text, atMs }: OutputLine): LoggedLine {
  return { child, incarnation, stream, text, atMs };
}

function checkCaptured(leaf: Child): void {
  if (leaf.status === 'down' || leaf.status === 'waiting' || leaf.status === 'starting') return;
  const output = outputOf(leaf);
  const { stdout, stderr } = output?.elsewhere ?? {};
  if (output !== undefined && (stdout === undefined || stderr === undefined)) return;
  const why =
    output === undefined
      ? `a ${leaf.kind} writes where the program does, or where its stdout and stderr were told to go`
      : `its stdout goes ${stdout}, its stderr ${stderr}`;
  throw new ControlError('not-supported', `What "${leaf.path}" writes is not captured: ${why}.`);
}

function outputOf(leaf: Child): ChildOutput | undefined {
  return leaf.output();
}
