import { ResourceError, ScopeClosedError } from '../../core/index.js';
import type { ResourceRequest } from '../../runtime/index.js';
import { checkWhole, refuse } from '../checks.js';
import { MARK } from '../guard/lines.js';
import { canSeeMarks, carriersOf, killMarked } from '../guard/marked.js';
import { marksOfTheDead, type ReclaimReport, reclaim } from '../guard/reclaim.js';
import { named } from '../inspect/processes.js';
import { pause } from '../pause.js';
import type { Claim, Make, Site } from '../site.js';

/** Whatever carries `TREEWARDEN_MARK` with this mark belongs to this process, and does not outlive it. */
export interface MarkedProcessesRequest extends ResourceRequest {
  readonly kind: 'marked-processes';
  /** 16 to 64 random small letters and digits; in the variable, a colon follows it. */
  readonly mark: string;
  /** How long they may take to end after SIGTERM once this process is dead, in ms, before they are killed. @defaultValue `5_000` */
  readonly graceMs?: number;
}

/**
 * The owner's half of processes that are known by a mark: writes it down before the first of them is started. It is granted when all that dead
 * owners of the scope have left is gone, so that a new start never runs what still runs.
 *
 * Released in order, it ends nobody: the tree has seen to that.
 */
export const makeMarkedProcesses: Make<MarkedProcessesRequest> = async (asked, site): Promise<Claim> => {
  const { mark, graceMs = 5_000 } = checked(asked);
  const claim = { name: mark, facts: { mark }, mapped: false as const };
  if (!canSeeMarks()) return { ...claim, release: ignore, releaseSync: ignore };
  const written = site.ledger.want({ type: 'marked', mark, graceMs });
  try {
    written.have({ type: 'marked' });
    await deadOnesGone(site);
  } catch (error) {
    written.drop();
    throw error;
  }
  return {
    ...claim,
    release: () => written.drop(),
    releaseSync: () => {
      // The guardian gives them their time; where there is none, nobody else would end them.
      if (carriersOf(mark).length > 0 && (site.guarded() || killMarked(mark).length > 0))
        throw new Error(`processes marked ${mark} are left to the guardian, or to the next start`);
      written.drop();
    },
    users: () => carriersOf(mark).map(({ pid }) => named(pid)),
  };
};

function checked(request: MarkedProcessesRequest): MarkedProcessesRequest {
  const { mark, graceMs } = request;
  if (typeof mark !== 'string' || !MARK.test(mark))
    refuse(SUBJECT, 'mark', mark, '16 to 64 small letters and digits');
  if (graceMs !== undefined) checkWhole(SUBJECT, 'graceMs', graceMs, 0);
  return request;
}

const SUBJECT = 'marked processes';

/** Their guardian, if it lives, is at work on them; what it cannot do any more is done here. */
async function deadOnesGone({ stateDir, scope, clock, signal, owner }: Site): Promise<void> {
  for (let waitMs = 2; marksOfTheDead(stateDir, scope).length > 0; waitMs = Math.min(waitMs * 2, 100)) {
    const report = await reclaim({ stateDir, scope, dryRun: false, waitMs: 0, clock });
    refuseSurvivors(report, scope);
    if (marksOfTheDead(stateDir, scope).length > 0) await pause(clock, waitMs, signal);
    if (signal.aborted) throw new ScopeClosedError(owner.path, 'marked-processes');
  }
}

function refuseSurvivors({ ledgers }: ReclaimReport, scope: string): void {
  for (const entry of ledgers.flatMap(({ entries }) => entries)) {
    if (entry.entry.type !== 'marked' || entry.outcome !== 'failed') continue;
    const why = entry.error instanceof Error ? entry.error.message : String(entry.error);
    throw new ResourceError(
      `the processes that a dead program of "${scope}" has left`,
      'end',
      undefined,
      `${why}. Nothing is started beside them; /proc/<pid>/wchan says what each waits for.`,
      { cause: entry.error },
    );
  }
}

function ignore(): void {
  // Without a /proc of ours nobody can be found by a mark.
}
