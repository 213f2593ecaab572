import { expect, test } from 'vitest';
import { explainEnd, type ProcessEnd } from '../../../src/children/process/process-exit.js';
import type { Exit } from '../../../src/core/index.js';

const end = (changes: Partial<ProcessEnd>): ProcessEnd => ({
  code: null,
  signal: null,
  asked: 'nothing',
  signals: {},
  outOfMemory: undefined,
  ...changes,
});

test.each<[string, Partial<ProcessEnd>, Exit]>([
  ['status 0, unasked', { code: 0 }, { type: 'completed' }],
  ['status 0, asked', { code: 0, asked: 'stop' }, { type: 'shutdown' }],
  ['status 0, just before the kill reached it', { code: 0, asked: 'kill' }, { type: 'shutdown' }],
  ['another status, unasked', { code: 3 }, { type: 'code', code: 3 }],
  ['another status, asked', { code: 3, asked: 'stop' }, { type: 'code', code: 3 }],
  ['the status of the stop signal, asked', { code: 143, asked: 'stop' }, { type: 'shutdown' }],
  ['the status of the stop signal, unasked', { code: 143 }, { type: 'code', code: 143 }],
  ['the status of another signal, asked', { code: 134, asked: 'stop' }, { type: 'code', code: 134 }],
  ['the stop signal, asked', { signal: 'SIGTERM', asked: 'stop' }, { type: 'shutdown' }],
  ['the stop signal from somebody else', { signal: 'SIGTERM' }, { type: 'signal', signal: 'SIGTERM' }],
  [
    'its own stop signal',
    { signal: 'SIGINT', signals: { stopSignal: 'SIGINT' }, asked: 'stop' },
    { type: 'shutdown' },
  ],
  [
    'its drain signal',
    { signal: 'SIGQUIT', signals: { drainSignal: 'SIGQUIT' }, asked: 'stop' },
    { type: 'shutdown' },
  ],
  [
    'the status of its drain signal',
    { code: 131, signals: { drainSignal: 'SIGQUIT' }, asked: 'stop' },
    { type: 'shutdown' },
  ],
  [
    'its drain signal, unasked',
    { signal: 'SIGQUIT', signals: { drainSignal: 'SIGQUIT' } },
    { type: 'signal', signal: 'SIGQUIT' },
  ],
  [
    'its final signal, killed by us',
    { signal: 'SIGABRT', signals: { finalSignal: 'SIGABRT' }, asked: 'kill' },
    { type: 'killed' },
  ],
  [
    'its final signal, before the kill',
    { signal: 'SIGABRT', signals: { finalSignal: 'SIGABRT' }, asked: 'stop' },
    { type: 'signal', signal: 'SIGABRT' },
  ],
  ['another signal, asked', { signal: 'SIGSEGV', asked: 'stop' }, { type: 'signal', signal: 'SIGSEGV' }],
  ['SIGKILL, killed by us', { signal: 'SIGKILL', asked: 'kill' }, { type: 'killed' }],
  ['SIGKILL, from somebody else', { signal: 'SIGKILL' }, { type: 'signal', signal: 'SIGKILL' }],
  [
    'SIGKILL from somebody else, asked to stop',
    { signal: 'SIGKILL', asked: 'stop' },
    { type: 'signal', signal: 'SIGKILL' },
  ],
  [
    'SIGKILL as the stop signal',
    { signal: 'SIGKILL', signals: { stopSignal: 'SIGKILL' }, asked: 'stop' },
    { type: 'shutdown' },
  ],
  [
    'SIGABRT with the words of V8',
    { signal: 'SIGABRT', outOfMemory: 'heap' },
    { type: 'out-of-memory', detail: 'heap', signal: 'SIGABRT' },
  ],
  [
    'a shell that tells of it',
    { code: 134, outOfMemory: 'heap' },
    { type: 'out-of-memory', detail: 'heap', signal: 'SIGABRT' },
  ],
  ['the words of V8, but another end', { code: 1, outOfMemory: 'heap' }, { type: 'code', code: 1 }],
  ['SIGABRT alone', { signal: 'SIGABRT' }, { type: 'signal', signal: 'SIGABRT' }],
])('%s', (_, changes, exit) => {
  expect(explainEnd(end(changes))).toEqual(exit);
});
