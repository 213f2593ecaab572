import { describe, expect, test } from 'vitest';
import { LARGEST_WINDOW } from '../../src/control/operations.js';
import { understand } from '../../src/control/requests.js';

const said = (line: object): unknown => understand(JSON.stringify(line));

describe('a line of a client', () => {
  test.each([0, -1, 1.5, LARGEST_WINDOW + 1, '5'])('that grants %j items is refused', (items) => {
    expect(() => said({ grant: 1, items })).toThrow('"items" must be a whole number from 1 to');
  });

  test('may have a text of 100 characters for its id, and no longer one', () => {
    const id = 'x'.repeat(100);
    expect(said({ id, op: 'status' })).toMatchObject({ id });
    expect(() => said({ id: `${id}x`, op: 'status' })).toThrow('at most 100 characters');
  });

  test('grants up to the largest window', () => {
    expect(said({ grant: 1, items: LARGEST_WINDOW })).toMatchObject({ items: LARGEST_WINDOW });
  });
});
