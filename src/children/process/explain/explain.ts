import type { StopObstacle, StopVerdict } from '../../../core/index.js';
import { readCommand, TICKS_PER_SECOND } from '../proc.js';
import { adviceFor } from './advice.js';
import { glanceAt, machineUpMs, nodeWaitsFor, type ProcessFacts, readFacts, waitsIn } from './facts.js';
import type { StopQuestion } from './question.js';
import { isNode, judge, type Suspect } from './verdict.js';

/**
 * Says of every process that is left of a tree why it has not ended, worst first. Synchronous; it reads some six small files for each. Where there is no `/proc`
 * it knows no more than whether a process may be signalled.
 */
export function explainStop(question: StopQuestion): readonly StopObstacle[] {
  const { members, ask, signal: stopSignal } = question;
  const signal = ask?.signal ?? stopSignal;
  const asked = { ...question, signal };
  const known = members.flatMap(({ pid, startTicks }) => {
    const facts = readFacts(pid, signal);
    // Another process may have its number by now.
    return facts?.startTicks === startTicks ? [facts] : [];
  });
  const obstacles = known.flatMap((facts) => explainOne(facts, known, asked));
  return obstacles.sort((one, other) => WORST.indexOf(one.verdict) - WORST.indexOf(other.verdict));
}

/** First what not even a kill ends, then what needs one, last what is likely to end by itself. */
const WORST: readonly StopVerdict[] = [
  'uninterruptible',
  'not-permitted',
  'suspended',
  'init',
  'ignored',
  'blocked',
  'loop-blocked',
  'shell',
  'caught',
  'at-work',
  'not-asked',
  'unknown',
  'zombie',
];

function explainOne(
  facts: ProcessFacts,
  known: readonly ProcessFacts[],
  question: StopQuestion,
): readonly StopObstacle[] {
  const suspect = investigate(facts, known, question);
  const finding = judge(suspect, question);
  if (finding === undefined) return [];
  const { pid, command } = facts;
  const { verdict } = finding;
  const wasSuspended =
    suspect.isLeader && question.ask?.before?.suspended === true && verdict !== 'suspended';
  const why = wasSuspended
    ? `${finding.why}; it was suspended when it was asked, and has been continued`
    : finding.why;
  return [{ verdict, pid, command, why, advice: adviceFor(verdict, question.signal) }];
}

/** Gathers what the rules want to know, each fact only where it can matter. */
function investigate(
  facts: ProcessFacts,
  known: readonly ProcessFacts[],
  { ask, leader, nowMs, signal }: StopQuestion,
): Suspect {
  const { pid } = facts;
  const isLeader = pid === leader;
  const before = isLeader ? ask?.before : undefined;
  const ticks = before && glanceAt(pid)?.ticks;
  return {
    facts,
    isLeader,
    permitted: mayBeSignalled(pid),
    bornAfterMs: ask && bornAfterMs(facts.startTicks, nowMs - ask.atMs),
    childCommand: known.find(({ parent }) => parent === pid)?.command,
    busyMs: before && ticks !== undefined ? ((ticks - before.ticks) * 1000) / TICKS_PER_SECOND : undefined,
    nodeWaitsFor: facts.state !== 'R' && isNode(facts.program) ? nodeWaitsFor(pid) : undefined,
    waitsIn: facts.state === 'R' ? undefined : waitsIn(pid),
    deafParent: facts.ignored ? deafParent(facts.parent, signal) : undefined,
  };
}

function mayBeSignalled(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EPERM';
  }
}

function bornAfterMs(startTicks: number, askedMsAgo: number): number | undefined {
  const upMs = machineUpMs();
  return upMs && (startTicks * 1000) / TICKS_PER_SECOND - (upMs - askedMsAgo);
}

function deafParent(parent: number, signal: NodeJS.Signals): string | undefined {
  return readFacts(parent, signal)?.ignored === true ? readCommand(parent) : undefined;
}
