import { expect, test } from 'vitest';
import { ledgerLines } from '../../src/cli/ledgers.js';
import type { Terminal } from '../../src/cli/terminal.js';
import type { LedgerVerdict } from '../../src/resources/index.js';

// Safe: lines are made with its width and colours alone.
const plain = { columns: 80, paint: (_: string, text: string) => text } as unknown as Terminal;

test.each<LedgerVerdict>(['reclaimable', 'reclaimed'])(
  'a ledger that lists nothing promises nothing (%s)',
  (verdict) => {
    const owner = { pid: 12, tid: 12, startTicks: 1 };
    const ledger = {
      path: '/state/shop/12.ledger',
      scope: 'shop',
      verdict,
      owner,
      entries: [],
      ignoredLines: 0,
    };
    expect(ledgerLines({ ledgers: [ledger], refused: [] }, plain)).toEqual([
      '',
      'shop: pid 12, dead; it has left nothing',
    ]);
  },
);
