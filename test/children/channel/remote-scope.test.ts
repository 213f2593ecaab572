import { expect, test } from 'vitest';
import { RemoteScope } from '../../../src/children/channel/remote-scope.js';
import type { FromChild } from '../../../src/children/channel/wire.js';
import { ResourceError, ScopeClosedError } from '../../../src/core/index.js';

const LOCK = { kind: 'lock', name: 'a' };

/** A program's side; `sent` is what its supervisor was asked, `alive` how many reasons it has to go on. */
function remote() {
  const sent: FromChild[] = [];
  const seen = { alive: 0 };
  const scope = new RemoteScope({
    send: (message) => void sent.push(message),
    open: () => undefined,
    keepAlive: (keep) => (seen.alive += keep ? 1 : -1),
  });
  return { scope: scope.openScope({ path: 'root/it', incarnation: 1 }), sent, seen };
}

test('what is still asked for when the program ends is refused, and keeps it running no longer', async () => {
  const { scope, seen } = remote();
  const granting = scope.grant(LOCK);
  const givingBack = scope.giveBack(7);
  expect(seen.alive).toBe(1);
  expect(await scope.close()).toEqual([]);
  await expect(granting).rejects.toThrow(ScopeClosedError);
  await givingBack;
  expect(seen.alive).toBe(0);
});

test('what is asked for when the supervisor has gone is refused, and nothing more is asked', async () => {
  const { scope, sent, seen } = remote();
  const before = [scope.grant(LOCK), scope.giveBack(7)] as const;
  scope.supervisorGone();
  await expect(before[0]).rejects.toThrow(ResourceError);
  await before[1];
  await expect(scope.grant(LOCK)).rejects.toThrow(/the supervisor of this program has ended/);
  await scope.giveBack(8);
  expect([sent.length, seen.alive]).toEqual([2, 0]);
});

test('a release that failed over there fails here', async () => {
  const { scope, seen } = remote();
  const givingBack = scope.giveBack(7);
  scope.answered({ type: 'given-back', id: 1, error: { name: 'Error', message: 'cannot release' } as never });
  await expect(givingBack).rejects.toThrow('cannot release');
  expect(seen.alive).toBe(0);
});
