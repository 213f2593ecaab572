import type { Survey } from '../../resources/index.js';
import { bytes, count } from '../amounts.js';
import { columns } from '../columns.js';
import type { Command } from '../command.js';
import { EXIT } from '../exit-code.js';
import { asJson } from '../json.js';
import { ledgerLines, wouldRelease } from '../ledgers.js';
import { JSON_OPTION, PLACE_OPTIONS, placeOf } from '../registry-place.js';
import type { Terminal } from '../terminal.js';
import { version } from '../version.js';

/** What can be had on this machine, which limits it has, what is left behind, and what `reclaim` would release. */
export const doctor: Command = {
  name: 'doctor',
  summary: 'show what this machine can do for shared resources, its limits, and what is left behind',
  options: { ...PLACE_OPTIONS, ...JSON_OPTION },
  async run(values, terminal) {
    const { survey } = await import('../../resources/index.js');
    const found = await survey(placeOf(values));
    if (values.has('json')) terminal.say(asJson({ version: version(), node: process.version, ...found }));
    else terminal.say(...report(found, terminal));
    return wouldRelease(found.reclaim) > 0 ? EXIT.findings : EXIT.ok;
  },
};

function report(found: Survey, terminal: Terminal): readonly string[] {
  return [
    `treewarden ${version()}, Node ${process.version}, ${process.platform} ${process.arch}`,
    `ledgers in ${found.stateDir}, shared state in ${found.memoryDir}`,
    ...section('Capabilities', capabilityRows(found, terminal), terminal),
    ...section('Limits', limitRows(found, terminal), terminal),
    ...section('System V segments that nobody has attached', leftoverRows(found), terminal),
    '',
    ...reclaimSection(found, terminal),
  ];
}

function capabilityRows({ capabilities }: Survey, { paint }: Terminal): readonly (readonly string[])[] {
  return capabilities.map(({ name, there, detail, advice }) => [
    there ? paint('green', 'yes') : paint('yellow', 'no'),
    name,
    advice === undefined ? detail : `${detail}. ${advice}`.replaceAll('..', '.'),
  ]);
}

const OF_A_PROCESS: readonly string[] = ['RLIMIT_NOFILE', 'RLIMIT_AS', 'RLIMIT_MEMLOCK', 'vm.max_map_count'];

/** Above this share of a limit it is worth a look. */
const NEARLY_FULL = 0.8;

function limitRows({ limits, memoryDir }: Survey, { paint }: Terminal): readonly (readonly string[])[] {
  return limits.map(({ limit, allowed, used }) => {
    const amount = inBytes(limit, memoryDir) ? bytes : count;
    // What this short program has of its own says nothing.
    if (OF_A_PROCESS.includes(limit)) return [limit, '', ofAll(amount(allowed)), 'in each process'];
    const share = used === undefined || !Number.isFinite(allowed) ? 0 : used / allowed;
    const percent = share >= 0.005 ? `${Math.round(share * 100)} %` : '';
    return [
      limit,
      used === undefined ? '' : amount(used),
      ofAll(amount(allowed)),
      share >= NEARLY_FULL ? paint('red', `${percent}: nearly full`) : percent,
    ];
  });
}

function ofAll(allowed: string): string {
  return allowed === 'no limit' ? allowed : `of ${allowed}`;
}

function inBytes(limit: string, memoryDir: string): boolean {
  return ['kernel.shmmax', 'RLIMIT_AS', 'RLIMIT_MEMLOCK', memoryDir].includes(limit);
}

function leftoverRows({ leftovers }: Survey): readonly (readonly string[])[] {
  return leftovers.map((leftover) => [
    leftover.what,
    leftover.bytes === undefined ? '' : bytes(leftover.bytes),
    `made by ${leftover.madeBy ?? 'somebody unknown'}`,
    leftover.reclaimable ? 'treewarden reclaim releases it' : whyNot(leftover.makerDead),
  ]);
}

function whyNot(makerDead: boolean): string {
  return makerDead
    ? 'in no ledger: if it is of no use any more, ipcrm -m and its number removes it'
    : 'in no ledger, and its maker may still live: leave it';
}

function reclaimSection({ reclaim }: Survey, terminal: Terminal): readonly string[] {
  const number = wouldRelease(reclaim);
  const verdict =
    number === 0
      ? 'There is nothing to reclaim.'
      : `${number} left by dead programs: treewarden reclaim releases ${number === 1 ? 'it' : 'them'}.`;
  return [
    number === 0 ? terminal.paint('green', verdict) : terminal.paint('yellow', verdict),
    ...ledgerLines(reclaim, terminal),
  ];
}

function section(
  title: string,
  rows: readonly (readonly string[])[],
  { paint, columns: width }: Terminal,
): readonly string[] {
  if (rows.length === 0) return [];
  const indented = rows.map(([first = '', ...rest]) => [`  ${first}`, ...rest]);
  return ['', paint('bold', title), ...columns(indented, width)];
}
