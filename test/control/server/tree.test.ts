import { expect, test } from 'vitest';
import { isWithin } from '../../../src/control/server/tree.js';

test('a path is within what it leads through, and not within what its name begins with', () => {
  expect(isWithin('shop/mail', 'shop/mail')).toBe(true);
  expect(isWithin('shop/mail/out', 'shop/mail')).toBe(true);
  expect(isWithin('shop/mailer', 'shop/mail')).toBe(false);
  expect(isWithin('shop', 'shop/mail')).toBe(false);
});
