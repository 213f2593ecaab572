import { expect, test } from 'vitest';
import { PendingRequest } from '../../../src/control/server/pending.js';

const stream = (room: number): PendingRequest => new PendingRequest(1, { room, onItem: () => undefined });

test('what is installed for a request that is over is undone at once', () => {
  const undone: string[] = [];
  const pending = new PendingRequest(1, undefined);
  pending.defer(() => undone.push('in time'));
  pending.end();
  pending.end();
  pending.defer(() => undone.push('late'));
  expect(undone).toEqual(['in time', 'late']);
});

test('items wait for room, and those that could not be told are counted with the next', () => {
  const pending = stream(1);
  for (const item of ['a', 'b', 'c']) pending.tell(item);
  expect(pending.next()).toEqual({ item: 'a', missed: 0 });
  expect(pending.next()).toBeUndefined();
  pending.lose(1);
  pending.grant(2);
  expect(pending.next()).toEqual({ item: 'b', missed: 1 });
  expect(pending.next()).toEqual({ item: 'c', missed: 0 });
  expect(pending.isTold).toBe(true);
});
