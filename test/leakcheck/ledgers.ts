import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from './host.js';
import type { Trace } from './machine.js';

/** Makes the ledger of a host one of an earlier boot, as it would be found after the machine has started again. */
export function fromAnotherBoot({ pid, plan: { stateDir, scope } }: Host): void {
  const folder = join(stateDir, scope);
  for (const name of readdirSync(folder).filter((it) => it.startsWith(`${pid}-`))) {
    const path = join(folder, name);
    const text = readFileSync(path, 'latin1').replace(readFileSync(BOOT_ID, 'latin1').trim(), ANOTHER);
    writeFileSync(path, text, 'latin1');
  }
}

/** Whether it is a ledger of which everything was dropped, or that never listed anything. */
export function isEmptyLedger({ kind, id }: Trace): boolean {
  if (kind !== 'ledger') return false;
  const lines = textOf(id).split('\n');
  const numbers = (verb: string): readonly string[] =>
    lines.filter((line) => line.startsWith(`${verb} `)).map((line) => line.split(' ')[1] ?? '');
  const dropped = new Set(numbers('d'));
  return numbers('w').every((number) => dropped.has(number));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // Removed since it was listed: its guardian is at work.
    return '';
  }
}

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const ANOTHER = '00000000-0000-4000-8000-000000000000';
