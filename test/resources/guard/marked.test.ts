import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startGuardian } from '../../../src/resources/guard/guardian.js';
import { GUARDIAN_SCRIPT } from '../../../src/resources/guard/guardian-script.js';
import { createLedger } from '../../../src/resources/guard/ledger.js';
import { haveLine, wantLine } from '../../../src/resources/guard/lines.js';
import { systemClock } from '../../../src/runtime/index.js';
import { freshMark, Place, runGuardian } from './place.js';
import { SHELLS } from './shells.js';

const IN_NAMESPACE = ['--pid', '--fork', '--mount', '--kill-child', 'sh', '-c'] as const;
/** Where one can choose the next pid. */
const CAN_REUSE =
  spawnSync('unshare', [...IN_NAMESPACE, 'mount -t proc proc /proc && [ -w /proc/sys/kernel/ns_last_pid ]'])
    .status === 0;
const CAN_CHANGE_USER =
  process.getuid?.() === 0 && spawnSync('setpriv', ['--reuid=65534', '--clear-groups', 'true']).status === 0;

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.close());

function marked(mark: string, graceMs: number): readonly string[] {
  return [wantLine(1, { type: 'marked', mark, graceMs }, 0), haveLine(1, { type: 'marked' })];
}

/**
 * Two marked processes: one ends when it is asked to, and a stranger is given its pid; the other one has to be killed. The first word of each line of
 * `$dir/pids` says which it is.
 */
const REUSE = `
mount -t proc proc /proc || exit 77
dir=$1 mark=$2 ledger=$3 owner=$4 ticks=$5
shift 5
export TREEWARDEN_MARK="$mark:1;"
sh -c 'trap "exit 0" TERM; >"$0/there-1"; while :; do sleep 0.02; done' "$dir" &
ends=$!
sh -c 'trap "" TERM; >"$0/there-2"; while :; do sleep 0.02; done' "$dir" &
stays=$!
unset TREEWARDEN_MARK
until [ -e "$dir/there-1" ] && [ -e "$dir/there-2" ]; do sleep 0.01; done
# The guardian is whoever is named in the ledger.
"$@" -c 'echo "g $$ 1 ." >>"$1"; eval "$GUARDIAN"' guardian "$ledger" "$owner" "$ticks" 1 </dev/null &
guardian=$!
wait $ends
# What the guardian starts may get that number first, and soon gives it back.
stranger=
until [ "$stranger" = $ends ]; do
  [ -z "$stranger" ] || kill -KILL $stranger
  echo $((ends - 1)) >/proc/sys/kernel/ns_last_pid
  sleep 1000 &
  stranger=$!
done
wait $guardian
[ $stranger = $ends ] && echo reused >>"$dir/result"
kill -0 $stranger && echo stranger lives >>"$dir/result"
kill -0 $stays || echo the other one was killed >>"$dir/result"
exit 0
`;

describe.skipIf(process.platform !== 'linux').each(SHELLS)('a guardian in %s', (...shell) => {
  test.skipIf(!CAN_REUSE)('never signals a process that was given the pid of a marked one', async () => {
    const mark = freshMark();
    const { path, header } = place.ledger(marked(mark, 1_500));
    const { pid, startTicks } = header.owner;
    const child = spawn(
      'unshare',
      [...IN_NAMESPACE, REUSE, 'reuse', place.dir, mark, path, String(pid), String(startTicks), ...shell],
      { stdio: 'ignore', env: { ...process.env, GUARDIAN: GUARDIAN_SCRIPT } },
    );
    place.undo(() => child.kill('SIGKILL'));
    await once(child, 'exit');
    const result = readFileSync(place.at('result'), 'utf8').trim().split('\n');
    expect(result).toEqual(['reused', 'stranger lives', 'the other one was killed']);
    expect(existsSync(path)).toBe(false);
  });

  test.skipIf(!CAN_CHANGE_USER)("leaves another user's process alone that carries the mark", async () => {
    const mark = freshMark();
    const variable = { TREEWARDEN_MARK: `${mark}:1;` };
    const asNobody = ['setpriv', '--reuid=65534', '--clear-groups'] as const;
    const roots = await place.process('echo; exec sleep 1000', variable);
    const nobodys = await place.process(`exec ${asNobody.join(' ')} sh -c 'echo; exec sleep 1000'`, variable);
    const ledger = place.ledger(marked(mark, 100), { uid: 65_534 });
    for (const dir of [place.dir, place.stateDir, dirname(ledger.path)]) chmodSync(dir, 0o777);
    chownSync(ledger.path, 65_534, 65_534);
    expect(await runGuardian([...asNobody, ...shell], ledger)).toBe('');
    expect([roots.exists(), nobodys.exists()]).toEqual([true, false]);
    expect(existsSync(ledger.path)).toBe(false);
  });

  test('starts nothing with the mark of a tree that it was started in', async () => {
    const argv: [string, ...string[]] = ['sh', '-c', 'echo "<$TREEWARDEN_MARK>" >"$0"', place.at('mark')];
    const ledger = place.ledger([
      wantLine(1, { type: 'command', argv }, 0),
      haveLine(1, { type: 'command' }),
    ]);
    const [program = 'sh', ...rest] = shell;
    await runGuardian([program, ...rest], ledger, { TREEWARDEN_MARK: `${freshMark()}:1;` });
    expect(readFileSync(place.at('mark'), 'utf8')).toBe('<>\n');
  });
});

test('a guardian does not carry the mark of the tree that its program is in', async () => {
  const ledger = createLedger({ stateDir: place.stateDir, scope: 'shop' });
  const before = process.env['TREEWARDEN_MARK'];
  process.env['TREEWARDEN_MARK'] = 'outer0123456789a:1;';
  try {
    const guardian = startGuardian({ ledger, clock: systemClock });
    // Until it has become the shell, it shows the environment of this process.
    const names = (): readonly string[] =>
      readFileSync(`/proc/${guardian.pid}/environ`, 'latin1')
        .split('\0')
        .map((one) => one.split('=', 1)[0] ?? '');
    await expect.poll(names).toContain('TREEWARDEN_GUARDIAN');
    expect(names()).not.toContain('TREEWARDEN_MARK');
    await guardian.stop();
  } finally {
    if (before === undefined) delete process.env['TREEWARDEN_MARK'];
    else process.env['TREEWARDEN_MARK'] = before;
    ledger.close();
  }
});
