import type { StopVerdict } from '../../../core/index.js';
import type { ProcessFacts } from './facts.js';
import type { Ask, StopQuestion } from './question.js';

/** One process, and what was found out about it for the rules. */
export interface Suspect {
  readonly facts: ProcessFacts;
  readonly isLeader: boolean;
  /** Whether we may send it a signal. */
  readonly permitted: boolean;
  /** How long after the asking it began, in ms; negative if it was there, undefined if that is not known. */
  readonly bornAfterMs: number | undefined;
  /** The first of the members that is its child. */
  readonly childCommand: string | undefined;
  /** How long its main thread has run on processors since it was asked, in ms; known of the leader. */
  readonly busyMs: number | undefined;
  /** What Node's main thread waits for; undefined if it runs, or is not Node. */
  readonly nodeWaitsFor: 'events' | 'events of another loop' | 'something else' | undefined;
  /** Where in the kernel it waits. */
  readonly waitsIn: string | undefined;
  /** Its parent, if that ignores the same signal. */
  readonly deafParent: string | undefined;
}

/** What a process is found to do, and why that is said. */
export interface Finding {
  readonly verdict: StopVerdict;
  readonly why: string;
}

/**
 * Why one process has not ended, by the first rule that holds; undefined where nothing was asked and nothing would stand in the way. The rules
 * go from what the kernel does to what the program does: of a suspended process it does not matter that it has a handler.
 */
export function judge(suspect: Suspect, question: StopQuestion): Finding | undefined {
  for (const rule of question.ask === undefined ? BEFORE : AFTER) {
    const finding = rule(suspect, question);
    if (finding !== undefined) return finding;
  }
  return undefined;
}

type Rule = (suspect: Suspect, question: StopQuestion) => Finding | undefined;

const zombie: Rule = ({ facts }) => {
  if (facts.state === 'X') return found('zombie', 'it has ended');
  if (facts.state !== 'Z') return undefined;
  // A main thread that has ended before the others looks like a zombie, and is none.
  if (facts.threads > 1)
    return found('unknown', `its main thread has ended, and ${facts.threads - 1} others go on`);
  return found('zombie', `it has ended, and its parent, process ${facts.parent}, has not taken notice`);
};

const notPermitted: Rule = ({ permitted, facts }) =>
  permitted
    ? undefined
    : found('not-permitted', `it runs as user ${facts.uid}, whom we may not send a signal`);

const uninterruptible: Rule = ({ facts, waitsIn }, { ask }) => {
  if (facts.state !== 'D') return undefined;
  const waits = facts.pending
    ? `${ask?.signal ?? 'a signal'} waits until that is over`
    : 'it takes no signal meanwhile';
  return found(
    'uninterruptible',
    `it waits within the kernel${waitsIn === undefined ? '' : ` (in ${waitsIn})`}, and ${waits}`,
  );
};

const suspended: Rule = ({ facts }, { signal }) => {
  if (signal === 'SIGKILL') return undefined;
  if (facts.state === 't')
    return found('suspended', `it is held by process ${facts.tracer}, which traces it`);
  if (facts.state !== 'T') return undefined;
  return found('suspended', `it is stopped, as by SIGSTOP${facts.pending ? ', and the signal waits' : ''}`);
};

const outOfReach: Rule = (suspect, question) => {
  const { facts, isLeader, bornAfterMs } = suspect;
  const { ask, leader } = question;
  if (ask === undefined || ask.to === 'all' || isLeader) return undefined;
  if (ask.by === 'message')
    return found('not-asked', 'the stop was a message to the program that started it');
  if (ask.to === 'leader') return notTold(question);
  if (facts.group !== leader)
    return found(
      'not-asked',
      `it has left the program's process group, which ${ask.signal} was sent to, for that of ${facts.group}`,
    );
  if (bornAfterMs === undefined || bornAfterMs < TICKS_MS) return undefined;
  return found('not-asked', `it began ${ms(bornAfterMs)} after ${ask.signal} was sent`);
};

/** A process's beginning is told in ticks of 10 ms. */
const TICKS_MS = 20;

function notTold({ program, members, leader, ask }: StopQuestion): Finding {
  const has = members.some(({ pid }) => pid === leader) ? 'got' : 'was ended by';
  return isShell(program)
    ? found(
        'shell',
        `${ask?.signal} went to the shell that runs it: ${program} ${has} it, and did not pass it on`,
      )
    : found('not-asked', `${ask?.signal} went to the program alone`);
}

const atWork: Rule = (suspect, question) => {
  const { ask, heard = false } = question;
  if (ask?.by !== 'message') return undefined;
  const stuck = loopIsStuck(suspect, question);
  const sinceMs = ms(question.nowMs - ask.atMs);
  if (!heard)
    return found(
      'loop-blocked',
      `it was asked by message ${sinceMs} ago and has not heard it yet: ${stuck ?? 'its event loop has not turned'}`,
    );
  if (stuck !== undefined) return found('loop-blocked', `it heard that it is asked ${sinceMs} ago: ${stuck}`);
  return found('at-work', `it heard that it is asked ${sinceMs} ago, and has not said that it is done`);
};

const ignored: Rule = ({ facts, deafParent }, { signal }) =>
  facts.ignored
    ? found(
        'ignored',
        `it ignores ${signal}${deafParent === undefined ? '' : `, as does its parent, from which it may have that: ${deafParent}`}`,
      )
    : undefined;

/** The kernel gives process 1 no signal that it has no handler for. Node's own handler is gone once it ran. */
const init: Rule = ({ facts }, { signal }) =>
  signal !== 'SIGKILL' && facts.pids.length > 1 && facts.pids.at(-1) === 1 && !facts.caught
    ? found(
        'init',
        `it is process 1 of a pid namespace and has no handler for ${signal}, so that the kernel drops it`,
      )
    : undefined;

const blocked: Rule = ({ facts }, { signal, ask, nowMs }) => {
  if (!facts.blocked) return undefined;
  return facts.pending && ask !== undefined
    ? found('blocked', `it has blocked ${signal}, which waits since ${ms(nowMs - ask.atMs)}`)
    : found('blocked', `it has blocked ${signal}`);
};

const shell: Rule = ({ facts, childCommand }, { signal }) =>
  facts.caught && childCommand !== undefined && isShell(facts.program)
    ? found(
        'shell',
        `it is a shell, whose trap for ${signal} runs when what it waits for has ended: ${childCommand}`,
      )
    : undefined;

const caught: Rule = (suspect, question) => {
  const { facts, waitsIn, busyMs } = suspect;
  const { ask, signal } = question;
  if (!facts.caught || facts.pending || ask === undefined) return undefined;
  const sinceMs = ms(question.nowMs - ask.atMs);
  const stuck = isNode(facts.program) ? loopIsStuck(suspect, question) : undefined;
  if (stuck !== undefined)
    return found(
      'loop-blocked',
      `${signal} was delivered ${sinceMs} ago, and its handler waits for the event loop: ${stuck}`,
    );
  const doing =
    facts.state === 'R' ? 'it runs' : `it sleeps${waitsIn === undefined ? '' : ` (in ${waitsIn})`}`;
  const used = busyMs === undefined ? '' : `, and has used ${ms(busyMs)} of a processor since`;
  return found(
    'caught',
    `${signal} was delivered to its handler ${sinceMs} ago, and nothing came of it: ${doing}${used}`,
  );
};

const unknown: Rule = ({ facts }, { ask, signal, nowMs }) =>
  ask === undefined
    ? undefined
    : found(
        'unknown',
        `nothing that can be seen keeps it from ending by ${signal}, sent ${ms(nowMs - ask.atMs)} ago; its state is ${facts.state}`,
      );

/** What would stand in the way of a stop. */
const BEFORE: readonly Rule[] = [notPermitted, uninterruptible, suspended, ignored, blocked];
const AFTER: readonly Rule[] = [
  zombie,
  notPermitted,
  uninterruptible,
  suspended,
  outOfReach,
  atWork,
  ignored,
  blocked,
  init,
  shell,
  caught,
  unknown,
];

/** The share of the time since it was asked that a loop which does not turn has had of a processor, at least. Low, as others may want it too. */
const BUSY = 0.2;

/** What keeps Node's event loop from turning; undefined if nothing is seen. */
function loopIsStuck(suspect: Suspect, { ask, nowMs }: StopQuestion): string | undefined {
  const { facts, busyMs, nodeWaitsFor, waitsIn, childCommand } = suspect;
  const waitedMs = nowMs - (ask as Ask).atMs;
  if (nodeWaitsFor === 'something else')
    return `its main thread waits for something else${waitsIn === undefined ? '' : ` (in ${waitsIn})`}, as in Atomics.wait`;
  if (nodeWaitsFor === 'events of another loop' && childCommand !== undefined)
    return `its main thread waits for a program, as in execSync: ${childCommand}`;
  if (facts.state !== 'R' || (busyMs !== undefined && busyMs < waitedMs * BUSY)) return undefined;
  return `its main thread is running${busyMs === undefined ? '' : `, ${ms(busyMs)} of ${ms(waitedMs)}`}`;
}

const NODE = /^(node|nodejs|node[-_.]?v?\d[\d.]*)$/;
const SHELLS: ReadonlySet<string> = new Set([
  'sh',
  'bash',
  'dash',
  'ash',
  'ksh',
  'ksh93',
  'mksh',
  'zsh',
  'fish',
  'yash',
]);

/** Whether a program of that name is Node: what it catches says nothing, as it has handlers of its own. */
export function isNode(program: string): boolean {
  return NODE.test(program);
}

function isShell(program: string): boolean {
  return SHELLS.has(program);
}

const found = (verdict: StopVerdict, why: string): Finding => ({ verdict, why });

const ms = (duration: number): string => `${Math.round(duration)} ms`;
