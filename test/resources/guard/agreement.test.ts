import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, linkSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Entry, GroupDrain, Identity } from '../../../src/resources/guard/entry.js';
import { thisProcess } from '../../../src/resources/guard/identity.js';
import {
  dropLine,
  haveLine,
  type LedgerHeader,
  leaveLine,
  wantLine,
} from '../../../src/resources/guard/lines.js';
import { reclaim } from '../../../src/resources/guard/reclaim.js';
import { segments, semaphoreSets } from '../../../src/resources/inspect/system-v.js';
import {
  freshKey,
  freshMark,
  NATIVE,
  Place,
  processLives,
  runGuardian,
  SYSTEM_V,
  type Thing,
  thing,
} from './place.js';
import { SHELLS } from './shells.js';

/** The guardian and reclaim read the same ledgers, and have to do the same: each case is run with each of them. */
interface Case {
  readonly name: string;
  readonly needs?: 'System V' | 'root' | 'both';
  arrange(place: Place): Arranged | Promise<Arranged>;
}

interface Arranged {
  readonly lines: readonly string[];
  readonly header?: Partial<LedgerHeader>;
  readonly released?: readonly Thing[];
  readonly kept?: readonly Thing[];
  /** What else has to be true. */
  verify?(): void;
}

const LONG_AGO = 1;
/** Of this machine, alive, and nobody's that could be released here. */
const OTHER_OWNER = { owner: thisProcess() };
/** Of a tree that the program of the ledger is in itself. */
const OUTER_MARK = 'outer0123456789a';
const FAR_AHEAD = 4_000_000_000;
const ODD_NAMES = [
  'plain',
  'with space',
  'two\nlines\n',
  'back\\slash\\n\\',
  'ünï🌳',
  `q'"$(touch x)\`y\`*?[a]`,
  '-rf',
  '%s',
];

const CASES: readonly Case[] = [
  {
    name: 'files of any name, by both of their names',
    arrange: (place) => {
      const files = ODD_NAMES.map((name) => place.file(name));
      const links = files.map(({ path }, index) => {
        linkSync(path, place.at(`random ${index}`));
        return thing(place.at(`random ${index}`));
      });
      const lines = files.flatMap(({ path, dev, ino }, index) =>
        made(
          index + 1,
          { type: 'file', paths: [place.at(`random ${index}`), path], onDisk: false },
          { type: 'file', dev, ino },
        ),
      );
      return { lines, released: [...files, ...links] };
    },
  },
  {
    name: 'a name that leads to another file by now',
    arrange: (place) => {
      const { path, dev, ino } = place.file('ours');
      const elsewhere = place.at('ours elsewhere');
      renameSync(path, elsewhere);
      const lines = made(
        1,
        { type: 'file', paths: [place.at('random'), path], onDisk: false },
        { type: 'file', dev, ino },
      );
      return { lines, kept: [place.file('ours'), thing(elsewhere)] };
    },
  },
  {
    name: 'a link that was put in the place of a file',
    arrange: (place) => {
      const victim = place.file('victim');
      symlinkSync(victim.path, place.at('link'));
      const { dev, ino } = victim;
      const lines = [
        ...made(1, { type: 'file', paths: [place.at('link')], onDisk: false }, { type: 'file', dev, ino }),
        ...made(
          2,
          { type: 'directory', path: place.at('link'), onDisk: false },
          { type: 'directory', dev, ino },
        ),
      ];
      return { lines, kept: [victim, thing(place.at('link'))] };
    },
  },
  {
    name: 'a file that was wanted only, by its random name and no other',
    arrange: (place) => {
      const random = place.file('random');
      const proper = place.file('proper');
      return {
        lines: [want(1, { type: 'file', paths: [random.path, proper.path], onDisk: true })],
        released: [random],
        kept: [proper],
      };
    },
  },
  {
    name: "another user's file under the random name",
    needs: 'root',
    arrange: (place) => {
      const random = place.file('random');
      chownSync(random.path, 65534, 65534);
      return { lines: [want(1, { type: 'file', paths: [random.path], onDisk: false })], kept: [random] };
    },
  },
  {
    name: 'directories with all that is in them, but not what links in them lead to',
    arrange: (place) => {
      const victim = place.directory('victim');
      const [known, wanted] = [place.directory('known one'), place.directory('wanted\none')];
      for (const { path } of [known, wanted]) symlinkSync(victim.path, `${path}/link`);
      const lines = [
        ...made(1, { type: 'directory', path: known.path, onDisk: false }, { ...known, type: 'directory' }),
        want(2, { type: 'directory', path: wanted.path, onDisk: false }),
      ];
      return { lines, released: [known, wanted], kept: [victim, thing(`${victim.path}/a b/c`)] };
    },
  },
  {
    name: 'a directory that is another one by now',
    arrange: (place) => {
      const { path, dev, ino } = place.directory('ours');
      renameSync(path, place.at('elsewhere'));
      const lines = made(1, { type: 'directory', path, onDisk: false }, { type: 'directory', dev, ino });
      return { lines, kept: [place.directory('ours'), thing(place.at('elsewhere'))] };
    },
  },
  {
    name: 'a shared file that nobody else lists, and what is under the random name only',
    arrange: (place) => {
      const [shared, random] = [place.file('shared one'), place.file('random')];
      const foreign = place.file('foreign');
      const lines = [
        ...sharing(1, place, shared),
        want(2, { type: 'shared-file', paths: [random.path, foreign.path], onDisk: false }),
      ];
      return { lines, released: [shared, random], kept: [foreign] };
    },
  },
  {
    name: 'a shared file that another owner lists, by its random name only',
    arrange: (place) => {
      const [shared, other] = [place.file('shared\none'), place.file('other')];
      linkSync(shared.path, place.at('random 1'));
      place.ledger(sharing(1, place, shared), OTHER_OWNER);
      place.ledger([...sharing(1, place, other), dropLine(1)], OTHER_OWNER);
      const lines = [...sharing(1, place, shared), ...sharing(2, place, other)];
      return { lines, kept: [shared], released: [other, thing(place.at('random 1'))] };
    },
  },
  {
    name: 'a shared file whose other users are leaving it, of another boot, or use another file of that name',
    arrange: (place) => {
      const shared = place.file('shared');
      const { path } = shared;
      place.ledger([...sharing(3, place, shared), leaveLine(3)], OTHER_OWNER);
      place.ledger(sharing(3, place, { path, dev: 1, ino: 2 }), OTHER_OWNER);
      // The last line is torn: it is about to say that it has it.
      place.ledger([sharing(3, place, shared)[0] ?? '', 'h 3 1', ' 2', ''], OTHER_OWNER);
      const another = { bootId: 'another', owner: { ...OTHER_OWNER.owner, pid: 5 } };
      place.ledger(sharing(3, place, shared), another);
      return { lines: sharing(3, place, shared), released: [shared] };
    },
  },
  {
    name: 'a shared file that is another one by now',
    arrange: (place) => {
      const { path, dev, ino } = place.file('shared');
      renameSync(path, place.at('elsewhere'));
      const lines = sharing(1, place, { path, dev, ino });
      return { lines, kept: [place.file('shared'), thing(place.at('elsewhere'))] };
    },
  },
  {
    name: 'what was dropped',
    arrange: (place) => {
      const file = place.file('kept');
      const lines = made(1, { type: 'file', paths: [file.path], onDisk: false }, { ...file, type: 'file' });
      return { lines: [...lines, dropLine(1), 'd 99 .\n', 'nonsense\n'], kept: [file] };
    },
  },
  {
    name: 'nothing of a line that was torn',
    arrange: (place) => {
      const [whole, torn] = [place.file('whole'), place.file('torn')];
      const lines = [
        want(1, { type: 'file', paths: [torn.path], onDisk: false }).replace(' .\n', '\n'),
        want(2, { type: 'file', paths: [whole.path], onDisk: false }),
      ];
      return { lines, released: [whole], kept: [torn] };
    },
  },
  {
    name: 'segments and sets by their ids',
    needs: 'System V',
    arrange: (place) => {
      const segments = [place.segment(freshKey()), place.segment(freshKey(), 1)];
      const sets = [place.set(freshKey()), place.set(freshKey(), 1)];
      const lines = [
        ...segments.flatMap((one, index) =>
          made(index + 1, { ...one, type: 'sysv-shm' }, { ...one, type: 'sysv-shm' }, FAR_AHEAD),
        ),
        ...sets.flatMap((one, index) =>
          made(index + 3, { ...one, type: 'sysv-sem' }, { ...one, type: 'sysv-sem' }, FAR_AHEAD),
        ),
      ];
      return { lines, released: [...segments, ...sets] };
    },
  },
  {
    name: 'segments and sets that were wanted only, by their maker and time',
    needs: 'System V',
    arrange: (place) => {
      const [segment, set] = [place.segment(freshKey()), place.set(freshKey())];
      const lines = [
        want(1, { ...segment, type: 'sysv-shm' }, LONG_AGO),
        want(2, { ...set, type: 'sysv-sem' }, set.changedAtS),
      ];
      return { lines, released: [segment, set] };
    },
  },
  {
    name: 'a set whose values were set anew',
    needs: 'System V',
    arrange: (place) => {
      const set = place.set(freshKey());
      const lines = made(
        1,
        { ...set, type: 'sysv-sem' },
        { ...set, type: 'sysv-sem', changedAtS: set.changedAtS - 5 },
      );
      return { lines, released: [set] };
    },
  },
  ...(
    [
      ['has another id', { id: 1 }, {}],
      ['has another size', {}, { bytes: 1, count: 1 }],
      ['has another maker, or is older', { cpid: 1, changedAtS: FAR_AHEAD }, {}],
      ['has an id that was ours, and another key', {}, { key: 0x3fff_fff1 }],
    ] as const
  ).map(
    ([name, identity, entry]): Case => ({
      name: `a foreign object that ${name}`,
      needs: 'System V',
      arrange: (place) => {
        const [segment, set] = [place.segment(freshKey()), place.set(freshKey())];
        const lines = [
          ...made(
            1,
            { ...segment, ...entry, type: 'sysv-shm' },
            { ...segment, ...identity, type: 'sysv-shm' },
          ),
          ...made(2, { ...set, ...entry, type: 'sysv-sem' }, { ...set, ...identity, type: 'sysv-sem' }),
        ];
        return { lines, kept: [segment, set] };
      },
    }),
  ),
  {
    name: 'a foreign object under a key that was wanted: older, or of another maker',
    needs: 'System V',
    arrange: (place) => {
      const [older, segment, set] = [
        place.segment(freshKey()),
        place.segment(freshKey()),
        place.set(freshKey()),
      ];
      const lines = [
        want(1, { ...older, type: 'sysv-shm' }, FAR_AHEAD),
        want(2, { ...segment, type: 'sysv-shm' }, LONG_AGO),
        want(3, { ...set, type: 'sysv-sem' }, set.changedAtS + 1),
      ];
      return {
        lines,
        kept: [older, segment, set],
        header: { owner: { pid: 4_190_000, tid: 4_190_000, startTicks: 1 } },
      };
    },
  },
  {
    name: "another user's objects",
    needs: 'both',
    arrange: (place) => {
      const segment = ofNobody(place, '-M', '4096');
      const set = ofNobody(place, '-S', '2');
      const lines = [
        ...made(1, { ...segment, type: 'sysv-shm' }, { ...segment, type: 'sysv-shm' }),
        ...made(2, { ...set, type: 'sysv-sem' }, { ...set, type: 'sysv-sem' }),
      ];
      return { lines, kept: [segment, set] };
    },
  },
  {
    name: 'a process group, all of it',
    arrange: async (place) => {
      const group = await place.group('sleep 1000 & echo ready; wait');
      return { lines: grouped(1, group, 0), released: [group] };
    },
  },
  {
    name: 'a process group whose leader has ended',
    arrange: async (place) => {
      const group = await place.group('echo ready; sleep 1000 >/dev/null & read -r line');
      // It may have ended while its word was read.
      if (group.child.exitCode === null) await once(group.child, 'exit');
      expect(group.exists()).toBe(true);
      return { lines: grouped(1, group, 0), released: [group] };
    },
  },
  {
    name: 'a process group whose number is a stranger’s by now, or was never known',
    arrange: async (place) => {
      const group = await place.group('echo ready; sleep 1000');
      const lines = [
        ...grouped(1, { ...group, startTicks: group.startTicks - 1 }, 0),
        grouped(2, group, 0)[0] ?? '',
      ];
      return { lines, kept: [group] };
    },
  },
  {
    name: 'a process group in its own time, and nothing that it may use before it has ended',
    arrange: async (place) => {
      const file = place.file('used');
      const last = `trap 'sleep 0.3; test -e "${file.path}" && echo still there >"${place.at('saw')}"; exit' TERM`;
      const group = await place.group(`${last}; echo ready; while :; do sleep 0.05; done`);
      const lines = [
        ...grouped(1, group, 10_000, 'SIGTERM'),
        ...made(2, { type: 'file', paths: [file.path], onDisk: false }, { ...file, type: 'file' }),
      ];
      const verify = (): void => expect(readFileSync(place.at('saw'), 'utf8')).toBe('still there\n');
      return { lines, released: [group, file], verify };
    },
  },
  {
    name: 'a process group that will not end in its time',
    arrange: async (place) => {
      const group = await place.group(`trap '' TERM; echo ready; while :; do sleep 1; done`);
      return { lines: grouped(1, group, 50, 'SIGTERM'), released: [group] };
    },
  },
  {
    name: 'commands, newest first, with their arguments as they were, past those that fail or hang',
    arrange: (place) => {
      const out = place.at('out put');
      const add = (...args: string[]): Entry => ({
        type: 'command',
        argv: ['sh', '-c', 'out=$1; shift; printf "<%s>" "$@" >>"$out"', 'sh', out, ...args],
      });
      const hangs: Entry = {
        type: 'command',
        argv: ['sh', '-c', `echo $$ >"${place.at('pid')}"; sleep 1000 & wait`],
      };
      const entries = [
        add('first', ...ODD_NAMES, ''),
        hangs,
        { type: 'command', argv: ['no such program'] } as const,
        add('last'),
      ];
      const lines = entries.map((entry, index) => want(index + 1, entry));
      const verify = (): void => {
        const all = ['last', 'first', ...ODD_NAMES, ''].map((one) => `<${one}>`).join('');
        expect(readFileSync(out, 'utf8')).toBe(all);
        expect(processLives(Number(readFileSync(place.at('pid'), 'utf8')))).toBe(false);
      };
      return { lines, verify };
    },
  },
  {
    name: 'processes that carry the mark, wherever they have gone, stopped ones and those that ignore SIGTERM included',
    arrange: async (place) => {
      const mark = freshMark();
      const variable = { TREEWARDEN_MARK: `${OUTER_MARK}:1;${mark}:7;` };
      const last = { TREEWARDEN_MARK: `${mark}:12;${OUTER_MARK}:1;` };
      const processes = [
        await place.process('echo; exec sleep 1000', variable),
        await place.process('echo; exec sleep 1000', last),
        await place.process('setsid sh -c "echo \\$\\$; exec sleep 1000"', variable),
        await place.process('(setsid sh -c "echo \\$\\$; exec sleep 1000 >/dev/null" &) &', variable),
        await place.process("trap '' TERM; echo; while :; do sleep 1000; done", variable),
        await place.process('(kill -STOP $$; echo); exec sleep 1000', variable),
      ];
      return { lines: marked(1, mark, 300), released: processes };
    },
  },
  {
    name: 'a marked process that was stopped goes on when it is asked to end, and has its time for that',
    arrange: async (place) => {
      const mark = freshMark();
      const script = 'trap "echo >it-ended; exit" TERM; (kill -STOP $$; echo); while :; do sleep 0.05; done';
      const own = await place.process(`cd "${place.dir}"; ${script}`, { TREEWARDEN_MARK: `${mark}:1;` });
      const verify = () => expect(existsSync(place.at('it-ended'))).toBe(true);
      return { lines: marked(1, mark, 60_000), released: [own], verify };
    },
  },
  {
    name: 'marked processes have the longest of the times that are listed, wherever it stands',
    arrange: async (place) => {
      const mark = freshMark();
      const script = 'trap "echo >it-ended; exit" TERM; echo; while :; do sleep 0.05; done';
      const own = await place.process(`cd "${place.dir}"; ${script}`, { TREEWARDEN_MARK: `${mark}:1;` });
      const lines = [...marked(1, freshMark(), 0), ...marked(2, mark, 60_000), ...marked(3, freshMark(), 0)];
      const verify = () => expect(existsSync(place.at('it-ended'))).toBe(true);
      return { lines, released: [own], verify };
    },
  },
  {
    name: 'processes of another mark, and those that only name the mark elsewhere',
    arrange: async (place) => {
      const mark = freshMark();
      const kept = [
        await place.process('echo; exec sleep 1000', { TREEWARDEN_MARK: `${OUTER_MARK}:1;` }),
        await place.process('echo; exec sleep 1000', { TREEWARDEN_MARK: `${OUTER_MARK}${mark}:1;` }),
        await place.process('echo; exec sleep 1000', { TREEWARDEN_MARK: `${mark}1:1;` }),
        await place.process('echo; exec sleep 1000', { NOTES: `TREEWARDEN_MARK=${mark}:1;` }),
        await place.process('echo; exec sleep 1000', { MY_TREEWARDEN_MARK: `${mark}:1;` }),
        await place.process(`echo; : 'TREEWARDEN_MARK=${mark}:1;'; while :; do sleep 1; done`, {}),
      ];
      return { lines: marked(1, mark, 0), kept };
    },
  },
  {
    name: 'a marked process in a group of the ledger has the time and the signal of that group',
    arrange: async (place) => {
      const mark = freshMark();
      const script =
        'trap "sleep 0.3; echo >it-ended; exit" INT; trap "" TERM; echo; while :; do sleep 0.05; done';
      const own = await place.process(`cd "${place.dir}"; ${script}`, { TREEWARDEN_MARK: `${mark}:1;` });
      const lines = [...marked(1, mark, 0), ...grouped(2, own, 60_000, 'SIGINT')];
      return { lines, released: [own], verify: () => expect(existsSync(place.at('it-ended'))).toBe(true) };
    },
  },
  {
    name: 'a leader that finishes its work by a signal of its own is sent that alone, and its group is asked after it',
    arrange: async (place) => {
      const member = '(trap "echo >asked; exit" TERM; while :; do sleep 0.05; done) & echo';
      const leader =
        'trap "sleep 0.3; [ -e asked ] || echo >in-peace; exit" QUIT; while :; do sleep 0.05; done';
      const own = await place.process(`cd "${place.dir}"; ${member}; ${leader}`, {});
      const lines = grouped(1, own, 120_000, 'SIGTERM', { signal: 'SIGQUIT', ms: 60_000 });
      const verify = () => {
        expect(existsSync(place.at('in-peace'))).toBe(true);
        expect(existsSync(place.at('asked'))).toBe(true);
      };
      return { lines, released: [own], verify };
    },
  },
  {
    name: 'a leader that does not finish its work in time is asked to end like any other',
    arrange: async (place) => {
      const script = `trap '' QUIT; trap "echo >asked; exit" TERM; echo; while :; do sleep 0.05; done`;
      const own = await place.process(`cd "${place.dir}"; ${script}`, {});
      const lines = grouped(1, own, 60_000, 'SIGTERM', { signal: 'SIGQUIT', ms: 100 });
      return { lines, released: [own], verify: () => expect(existsSync(place.at('asked'))).toBe(true) };
    },
  },
  {
    name: 'marked processes end before what they use is released',
    arrange: async (place) => {
      const mark = freshMark();
      const used = place.file('used');
      const script =
        'trap "[ -e used ] && echo >it-was-there; exit" TERM; echo; while :; do sleep 0.05; done';
      const own = await place.process(`cd "${place.dir}"; ${script}`, { TREEWARDEN_MARK: `${mark}:1;` });
      const lines = [
        ...made(1, { type: 'file', paths: [used.path], onDisk: false }, { type: 'file', ...used }),
        ...marked(2, mark, 60_000),
      ];
      const verify = () => expect(existsSync(place.at('it-was-there'))).toBe(true);
      return { lines, released: [own, used], verify };
    },
  },
];

const CAPABLE = {
  'System V': SYSTEM_V !== undefined,
  root: process.getuid?.() === 0,
  both: SYSTEM_V !== undefined && process.getuid?.() === 0,
};

interface Releaser {
  readonly name: string;
  release(place: Place, ledger: { path: string; header: LedgerHeader }): Promise<void>;
}

const RELEASERS: readonly Releaser[] = [
  ...SHELLS.map(
    (shell): Releaser => ({
      name: `the guardian in ${shell[0]}`,
      release: async (_, ledger) => expect(await runGuardian(shell, ledger)).toBe(''),
    }),
  ),
  ...[NATIVE, undefined].map(
    (native): Releaser => ({
      name: native === undefined ? 'reclaim by ipcrm' : 'reclaim by libc',
      release: async ({ stateDir }, { path }) => {
        const report = await reclaim({ stateDir, dryRun: false, native, commandLimitMs: 1000 });
        expect(report.ledgers.find((one) => one.path === path)?.verdict).toBe('reclaimed');
      },
    }),
  ),
];

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.close());

for (const { name, release } of RELEASERS) {
  describe(name, () => {
    for (const { name, needs, arrange } of CASES) {
      test.skipIf(needs !== undefined && !CAPABLE[needs])(name, async () => {
        const { lines, header, released = [], kept = [], verify } = await arrange(place);
        for (const one of [...released, ...kept]) expect(one.exists(), one.what).toBe(true);
        const ledger = place.ledger(lines, header);
        await release(place, ledger);
        for (const one of released) await expect.poll(() => one.exists(), { message: one.what }).toBe(false);
        for (const one of kept) expect(one.exists(), one.what).toBe(true);
        verify?.();
        // A command that fails is for the next start to tell of.
        if (!lines.join('').includes(' command ')) expect(existsSync(ledger.path)).toBe(false);
      });
    }
  });
}

function want(number: number, entry: Entry, sinceS = 0): string {
  return wantLine(number, entry, sinceS);
}

function made(number: number, entry: Entry, identity: Identity, sinceS = 0): readonly string[] {
  return [wantLine(number, entry, sinceS), haveLine(number, identity)];
}

function sharing(
  number: number,
  place: Place,
  { path, dev, ino }: { path: string; dev: number; ino: number },
): readonly string[] {
  return made(
    number,
    { type: 'shared-file', paths: [place.at(`random ${number}`), path], onDisk: false },
    { type: 'shared-file', dev, ino },
  );
}

function marked(number: number, mark: string, graceMs: number): readonly string[] {
  return made(number, { type: 'marked', mark, graceMs }, { type: 'marked' });
}

function grouped(
  number: number,
  { pid, startTicks }: { pid: number; startTicks: number },
  graceMs: number,
  signal?: NodeJS.Signals,
  drain?: GroupDrain,
): readonly string[] {
  return made(number, { type: 'group', pid, graceMs, signal, drain }, { type: 'group', startTicks });
}

/** Made by `ipcmk` as user nobody, and described as if it were ours. */
function ofNobody(place: Place, what: '-M' | '-S', amount: string) {
  const { stdout } = spawnSync('setpriv', ['--reuid=65534', '--clear-groups', 'ipcmk', what, amount], {
    encoding: 'utf8',
  });
  const id = Number(/(\d+)\s*$/.exec(stdout)?.[1]);
  place.undo(() => spawnSync('ipcrm', [what.toLowerCase(), String(id)]));
  const list = (): readonly { id: number; key: number; uid: number; changedAtS: number; cpid?: number }[] =>
    what === '-M' ? segments() : semaphoreSets();
  const row = list().find((one) => one.id === id);
  expect(row?.uid).toBe(65534);
  return {
    what: `nobody's ${id}`,
    id,
    key: row?.key ?? 0,
    bytes: Number(amount),
    count: Number(amount),
    cpid: row?.cpid ?? 0,
    changedAtS: row?.changedAtS ?? 0,
    exists: () => list().some((one) => one.id === id),
  };
}
