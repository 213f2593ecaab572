import { expect, test } from 'vitest';
import { PendingRequest } from '../../../src/control/server/pending.js';
import { waitUntil } from '../../../src/control/server/wait.js';
import { constantBackoff, supervisor } from '../../../src/index.js';
import { systemClock } from '../../../src/runtime/index.js';
import { fakeChild, testTree } from '../../../src/testing/index.js';

test('who waits for a child that is down, and goes, is forgotten by it', async () => {
  const of = await testTree(
    supervisor('root', { backoff: constantBackoff(100, { free: 0 }), children: [fakeChild('a')] }),
  );
  await of.crash('a');
  const child = of.child('a');
  const waits: (AbortSignal | undefined)[] = [];
  const whenReady = child.whenReady.bind(child);
  child.whenReady = (options) => {
    waits.push(options?.signal);
    return whenReady(options);
  };
  const call = new PendingRequest(1, undefined);
  const root = new Proxy(of.root, {
    get: (target, name) => {
      const value: unknown = name === 'child' ? () => child : Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const waiting = waitUntil({ root, clock: systemClock } as never, { path: 'a', until: 'ready' }, call);
  expect(waits.map((signal) => signal?.aborted)).toEqual([false]);
  call.end();
  await expect(waiting).rejects.toThrow('aborted');
  expect(waits.map((signal) => signal?.aborted)).toEqual([true]);
});
