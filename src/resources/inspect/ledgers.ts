import { join } from 'node:path';
import { bootId, lifeOf, namespace } from '../guard/identity.js';
import { type ParsedLedger, parseLedger, type Recorded } from '../guard/lines.js';
import { readNames, readText } from './read.js';

/**
 * What dead programs of this user have left, by their ledgers, of all scopes: about what `treewarden reclaim` would release. It may be gone by
 * now. For error messages: reads them as they are, and waits for nobody.
 */
export function leftByTheDead(stateDir: string): readonly Recorded[] {
  return readNames(stateDir).flatMap((scope) =>
    readNames(join(stateDir, scope))
      .filter((name) => name.includes('.ledger'))
      .map((name) => parseLedger(readText(join(stateDir, scope, name)) ?? ''))
      .flatMap((ledger) => (ledger !== undefined && isOfTheDead(ledger) ? ledger.entries : [])),
  );
}

function isOfTheDead({ header }: ParsedLedger): boolean {
  return (
    header.bootId === bootId() &&
    header.uid === (process.getuid?.() ?? 0) &&
    header.pidNamespace === namespace('pid') &&
    header.ipcNamespace === namespace('ipc') &&
    lifeOf(header.owner) === 'dead'
  );
}
