import { expect, test } from 'vitest';
import { wireError } from '../../../src/control/server/wire-error.js';
import { SurvivorError, WrongStateError } from '../../../src/core/index.js';

test('what outlives its kill is told by name', () => {
  const survivor = {
    child: 'shop/mail',
    incarnation: 1,
    kind: 'process',
    pid: 7,
    command: 'mail',
    why: 'it waits',
    obstacles: undefined,
  };
  expect(wireError(new SurvivorError(survivor))).toMatchObject({ code: 'survivor', facts: { survivor } });
});

test('what is refused as the tree is ending has nothing wrong with it', () => {
  expect(wireError(new WrongStateError('shop/mail', 'restart', 'stopping')).code).toBe('tree-stopped');
  expect(wireError(new WrongStateError('shop/mail', 'restart', 'running')).code).toBe('wrong-state');
});
