import { spawn, spawnSync } from 'node:child_process';
import { ResourceError } from '../../core/index.js';
import type { Clock } from '../../runtime/index.js';
import type { Claim, Make } from '../site.js';
import { type CustomRequest, checkedCustom } from './custom.js';

/** The owner's half of a resource of the user's own: writes its command down, and runs that unless the user has released it. */
export const makeCustom: Make<CustomRequest> = (asked, { ledger, clock }): Claim => {
  const { name, whenDead } = checkedCustom(asked);
  const subject = `custom "${name}"`;
  const written = ledger.want({ type: 'command', argv: whenDead });
  written.have({ type: 'command' });
  return {
    name,
    facts: undefined,
    giveBack: () => written.drop(),
    release: async () => {
      await run(subject, whenDead, clock);
      written.drop();
    },
    releaseSync: () => {
      const [command, ...words] = whenDead;
      const { error, status, signal } = spawnSync(command, words, {
        ...OPTIONS,
        timeout: LIMIT_MS,
        killSignal: 'SIGKILL',
      });
      // It stays in the ledger if it failed, and the guardian tries it again.
      if (error !== undefined || status !== 0) throw failure(subject, whenDead, error, status ?? signal);
      written.drop();
    },
  };
};

const LIMIT_MS = 10_000;
const OPTIONS = { cwd: '/', stdio: 'ignore' } as const;

/** In a group of its own, so that it is killed with all that it has started. */
function run(subject: string, argv: readonly [string, ...string[]], clock: Clock): Promise<void> {
  const [command, ...words] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { ...OPTIONS, detached: true });
    const limit = clock.after(LIMIT_MS, () => killGroup(child.pid), true);
    child.once('error', (error) => {
      limit.cancel();
      reject(failure(subject, argv, error, null));
    });
    child.once('exit', (code, signal) => {
      limit.cancel();
      if (code === 0) resolve();
      else reject(failure(subject, argv, undefined, code ?? signal));
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended at this very moment.
  }
}

function failure(
  subject: string,
  argv: readonly string[],
  cause: NodeJS.ErrnoException | undefined,
  how: number | string | null,
): ResourceError {
  const what = cause === undefined ? `ended with ${how}` : `could not be run: ${cause.message}`;
  const advice = `its command \`${argv.join(' ')}\` ${what}. It stays in the ledger, and is tried again when the registry closes or this process ends.`;
  return new ResourceError(subject, 'release', cause?.code, advice, { cause });
}
