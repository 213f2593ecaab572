import type { EntryReport, LedgerReport, LedgerVerdict, ReclaimReport } from '../resources/index.js';
import { columns } from './columns.js';
import type { Terminal } from './terminal.js';

/** How many things a report is about, by what became of them. */
export function wouldRelease(report: ReclaimReport): number {
  return tally(report, 'would-release');
}

export function released(report: ReclaimReport): number {
  return tally(report, 'released');
}

export function failed(report: ReclaimReport): number {
  return tally(report, 'failed');
}

/** Every ledger with what it lists, what became of that, and why. */
export function ledgerLines({ ledgers }: ReclaimReport, terminal: Terminal): readonly string[] {
  return ledgers.flatMap((ledger) => [
    '',
    `${terminal.paint('bold', ledger.scope)}: ${ownerOf(ledger)}, ${meaningOf(ledger)}`,
    ...columns(
      ledger.entries.map((entry) => [`  ${became(entry)}`, what(entry)]),
      terminal.columns,
    ),
  ]);
}

function meaningOf({ verdict, entries }: LedgerReport): string {
  const isReleased = verdict === 'reclaimed' || verdict === 'reclaimable';
  return isReleased && entries.length === 0 ? 'dead; it has left nothing' : MEANING[verdict];
}

const MEANING: Readonly<Record<LedgerVerdict, string>> = {
  reclaimed: 'dead; what it had left is released',
  reclaimable: 'dead; what it has left would be released',
  incomplete: 'dead; not everything could be released, and is tried again next time',
  'owner-alive': 'alive; what it has is left alone',
  'at-work': 'dead; its guardian, or another reclaim, is still at work',
  'released-by-another': 'dead; its guardian, or another reclaim, has released what it had',
  'other-namespace': 'in another namespace; what it has cannot be judged from here',
  'other-user': 'of another user; left alone',
  'not-understood': 'not understood: no ledger, or one of another version; left alone',
};

function ownerOf({ owner, path }: LedgerReport): string {
  return owner === undefined ? path : `pid ${owner.pid}`;
}

function became(report: EntryReport): string {
  switch (report.outcome) {
    case 'released':
      return 'released';
    case 'would-release':
      return 'would be released';
    case 'gone':
      return 'gone already';
    case 'skipped':
      return `left alone, ${SKIPPED[report.why]}`;
    case 'failed':
      return `failed, ${report.error instanceof Error ? report.error.message : String(report.error)}`;
  }
}

const SKIPPED = {
  foreign: 'it is not what was made',
  'other-user': 'it belongs to another user',
  'in-use': 'others use it, and the last of them removes it',
  'other-boot': 'the machine has started again since',
} as const;

function what({ entry }: EntryReport): string {
  switch (entry.type) {
    case 'file':
      return `file ${entry.paths.at(-1)}`;
    case 'shared-file':
      return `shared file ${entry.paths[1]}`;
    case 'directory':
      return `directory ${entry.path}`;
    case 'sysv-shm':
      return `System V segment, key ${hex(entry.key)}, ${entry.bytes} bytes`;
    case 'sysv-sem':
      return `System V semaphore set, key ${hex(entry.key)}, ${entry.count} of them`;
    case 'group':
      return `process group ${entry.pid}`;
    case 'marked':
      return `processes marked ${entry.mark}`;
    case 'command':
      return `command ${entry.argv.join(' ')}`;
  }
}

function hex(key: number): string {
  return `0x${(key >>> 0).toString(16).padStart(8, '0')}`;
}

function tally({ ledgers }: ReclaimReport, outcome: EntryReport['outcome']): number {
  return ledgers.flatMap(({ entries }) => entries).filter((entry) => entry.outcome === outcome).length;
}
