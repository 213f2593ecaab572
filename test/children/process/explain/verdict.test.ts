import { describe, expect, test } from 'vitest';
import type { ProcessFacts } from '../../../../src/children/process/explain/facts.js';
import type { Ask, StopQuestion } from '../../../../src/children/process/explain/question.js';
import {
  type Finding,
  isNode,
  judge,
  type Suspect,
} from '../../../../src/children/process/explain/verdict.js';

const LEADER = 7;

const FACTS: ProcessFacts = {
  pid: LEADER,
  startTicks: 1,
  parent: 1,
  group: LEADER,
  state: 'S',
  command: 'prog',
  program: 'prog',
  uid: 1000,
  tracer: 0,
  threads: 1,
  pids: [LEADER],
  blocked: false,
  ignored: false,
  caught: false,
  pending: false,
};

const ASK: Ask = { by: 'signal', signal: 'SIGTERM', to: 'group', atMs: 0, before: undefined };

type Known = Partial<Omit<Suspect, 'facts'>> & { readonly facts?: Partial<ProcessFacts> };

/** What is found of a process by what is known of it, 1000 ms after it was asked. */
function find({ facts, ...known }: Known, asked: Partial<StopQuestion> = {}): Finding | undefined {
  const suspect: Suspect = {
    isLeader: true,
    permitted: true,
    bornAfterMs: undefined,
    childCommand: undefined,
    busyMs: undefined,
    nodeWaitsFor: undefined,
    waitsIn: undefined,
    deafParent: undefined,
    ...known,
    facts: { ...FACTS, ...facts },
  };
  const question: StopQuestion = {
    leader: LEADER,
    program: 'prog',
    members: [{ pid: LEADER, startTicks: 1 }],
    ask: ASK,
    signal: 'SIGTERM',
    nowMs: 1000,
    ...asked,
  };
  return judge(suspect, question);
}

const KILL: Partial<StopQuestion> = { ask: { ...ASK, signal: 'SIGKILL', to: 'all' }, signal: 'SIGKILL' };
const MESSAGE: Partial<StopQuestion> = { ask: { ...ASK, by: 'message', to: 'leader' } };
const TO_LEADER: Partial<StopQuestion> = { ask: { ...ASK, to: 'leader' } };
const UNASKED: Partial<StopQuestion> = { ask: undefined };

describe('after it was asked', () => {
  test.each<[string, Known, Partial<StopQuestion>, Finding]>([
    [
      'a main thread that has ended before others is no zombie',
      { facts: { state: 'Z', threads: 3 } },
      {},
      { verdict: 'unknown', why: 'its main thread has ended, and 2 others go on' },
    ],
    [
      'what waits in the kernel with no signal sent takes none meanwhile',
      { facts: { state: 'D' }, waitsIn: 'io_schedule' },
      {},
      {
        verdict: 'uninterruptible',
        why: 'it waits within the kernel (in io_schedule), and it takes no signal meanwhile',
      },
    ],
    [
      'what is traced is held by its tracer',
      { facts: { state: 't', tracer: 99 } },
      {},
      { verdict: 'suspended', why: 'it is held by process 99, which traces it' },
    ],
    [
      'what is stopped keeps the signal waiting',
      { facts: { state: 'T', pending: true } },
      {},
      { verdict: 'suspended', why: 'it is stopped, as by SIGSTOP, and the signal waits' },
    ],
    [
      'SIGKILL ends what is stopped as well',
      { facts: { state: 'T', pending: true } },
      KILL,
      {
        verdict: 'unknown',
        why: 'nothing that can be seen keeps it from ending by SIGKILL, sent 1000 ms ago; its state is T',
      },
    ],
    [
      'a message goes to the program alone',
      { isLeader: false },
      MESSAGE,
      { verdict: 'not-asked', why: 'the stop was a message to the program that started it' },
    ],
    [
      'a signal for the program alone reaches no other',
      { isLeader: false },
      TO_LEADER,
      { verdict: 'not-asked', why: 'SIGTERM went to the program alone' },
    ],
    [
      'a shell that lives has got the signal, and kept it',
      { isLeader: false },
      { ...TO_LEADER, program: 'bash' },
      {
        verdict: 'shell',
        why: 'SIGTERM went to the shell that runs it: bash got it, and did not pass it on',
      },
    ],
    [
      'who began after the signal was not asked',
      { isLeader: false, bornAfterMs: 150 },
      {},
      { verdict: 'not-asked', why: 'it began 150 ms after SIGTERM was sent' },
    ],
    [
      'who began about when it was sent may have been',
      { isLeader: false, bornAfterMs: 15 },
      {},
      {
        verdict: 'unknown',
        why: 'nothing that can be seen keeps it from ending by SIGTERM, sent 1000 ms ago; its state is S',
      },
    ],
    [
      'a loop that heard and does not turn is blocked',
      { nodeWaitsFor: 'something else', waitsIn: 'futex_wait' },
      { ...MESSAGE, heard: true },
      {
        verdict: 'loop-blocked',
        why: 'it heard that it is asked 1000 ms ago: its main thread waits for something else (in futex_wait), as in Atomics.wait',
      },
    ],
    [
      'process 1 of a namespace with a handler gets the signal',
      { facts: { pids: [LEADER, 1], caught: true } },
      {},
      {
        verdict: 'caught',
        why: 'SIGTERM was delivered to its handler 1000 ms ago, and nothing came of it: it sleeps',
      },
    ],
    [
      'process 1 of a namespace gets SIGKILL from outside',
      { facts: { pids: [LEADER, 1] } },
      KILL,
      {
        verdict: 'unknown',
        why: 'nothing that can be seen keeps it from ending by SIGKILL, sent 1000 ms ago; its state is S',
      },
    ],
    [
      'a handler that has not got the signal yet is not to blame',
      { facts: { caught: true, pending: true } },
      {},
      {
        verdict: 'unknown',
        why: 'nothing that can be seen keeps it from ending by SIGTERM, sent 1000 ms ago; its state is S',
      },
    ],
    [
      'a handler at work has used a processor',
      { facts: { caught: true, state: 'R' }, busyMs: 400 },
      {},
      {
        verdict: 'caught',
        why: 'SIGTERM was delivered to its handler 1000 ms ago, and nothing came of it: it runs, and has used 400 ms of a processor since',
      },
    ],
    [
      "Node's loop turns, if it has hardly run since",
      { facts: { caught: true, state: 'R', program: 'node' }, busyMs: 199 },
      {},
      {
        verdict: 'caught',
        why: 'SIGTERM was delivered to its handler 1000 ms ago, and nothing came of it: it runs, and has used 199 ms of a processor since',
      },
    ],
  ])('%s', (_, known, asked, finding) => {
    expect(find(known, asked)).toEqual(finding);
  });
});

describe('before it was asked', () => {
  test.each<[string, Known, Finding]>([
    [
      'who may not be signalled would not be',
      { permitted: false },
      { verdict: 'not-permitted', why: 'it runs as user 1000, whom we may not send a signal' },
    ],
    [
      'a signal that is blocked would wait',
      { facts: { blocked: true, pending: true } },
      { verdict: 'blocked', why: 'it has blocked SIGTERM' },
    ],
  ])('%s', (_, known, finding) => {
    expect(find(known, UNASKED)).toEqual(finding);
  });

  test.each<[string, Known]>([
    ['has a handler', { facts: { caught: true } }],
    ['has ended', { facts: { state: 'Z' } }],
    ['is in another group', { isLeader: false, facts: { group: 8 } }],
  ])('nothing is said of one that %s', (_, known) => {
    expect(find(known, UNASKED)).toBeUndefined();
  });
});

test('Node is known by the names that it is installed under', () => {
  expect(['node', 'nodejs', 'node20', 'node-v20.20.2', 'node_18'].every(isNode)).toBe(true);
  expect(['nodemon', 'node-gyp', 'deno', 'xnode'].some(isNode)).toBe(false);
});
