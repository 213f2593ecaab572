import { LONGEST_TIMER_MS, ResourceError } from '../../core/index.js';
import type { Clock } from '../../runtime/index.js';
import type { GroupEntry } from '../guard/entry.js';
import { endGroup } from '../guard/groups.js';
import { startTicks } from '../guard/identity.js';
import { groupLives, groupOf, type OwnGroup, signalGroup } from '../process-groups.js';
import type { Claim, Make } from '../site.js';
import { checkedProcessGroup, type ProcessGroupFacts, type ProcessGroupRequest } from './process-group.js';

/** The owner's half of a process group: writes it down, and ends it. */
export const makeProcessGroup: Make<ProcessGroupRequest> = (asked, { ledger, clock, guarded }): Claim => {
  const request = checkedProcessGroup(asked);
  const { pid, signal } = request;
  const facts: ProcessGroupFacts = checkedLeader(pid);
  const entry = entryOf(request);
  const written = ledger.want(entry);
  written.have({ type: 'group', startTicks: facts.startTicks });
  return {
    name: String(pid),
    facts,
    release: async () => {
      await end(entry, facts, clock);
      written.drop();
    },
    releaseSync: () => {
      // The guardian gives it its grace; where there is none, nobody else would end it.
      const lives = groupLives(facts);
      if (lives) signalGroup(pid, guarded() ? signal : 'SIGKILL');
      if (!lives || !guarded()) written.drop();
    },
    users: () => (groupLives(facts) ? [`process group ${pid}`] : []),
  };
};

function entryOf({ pid, signal, graceMs }: ProcessGroupRequest): GroupEntry {
  const endless = graceMs === LONGEST_TIMER_MS;
  return { type: 'group', pid, signal, graceMs: endless ? Number.POSITIVE_INFINITY : graceMs };
}

/** A group whose leader has ended keeps its number as long as it has a member, but cannot be told from a later one. */
function checkedLeader(pid: number): OwnGroup {
  const subject = `process group "${pid}"`;
  const refuse = (errno: string | undefined, advice: string): never => {
    throw new ResourceError(subject, 'register', errno, advice);
  };
  const group = { pid, startTicks: startTicks(pid) ?? 0 };
  if (!groupLives(group)) {
    return groupOf(pid) === undefined
      ? refuse('ESRCH', 'there is no such process.')
      : refuse('ESRCH', 'that process leads no group of its own. Start it with { detached: true }.');
  }
  if (groupOf(process.pid) === pid) {
    return refuse(undefined, 'it is the group of this very process, which cannot outlive itself.');
  }
  return group;
}

async function end(entry: GroupEntry, group: OwnGroup, clock: Clock): Promise<void> {
  if (!groupLives(group)) return;
  // One that was stopped acts on nothing but SIGKILL before it goes on.
  if (entry.signal !== undefined) signalGroup(entry.pid, entry.signal);
  signalGroup(entry.pid, 'SIGCONT');
  if (
    await endGroup(
      { ...entry, signal: undefined },
      { ...group, ownerSeenAtS: Number.POSITIVE_INFINITY },
      clock,
    )
  )
    return;
  throw new ResourceError(
    `process group "${entry.pid}"`,
    'end',
    undefined,
    `it was killed, and is still there; /proc/${entry.pid}/wchan says what it waits for.`,
  );
}
