import { constants } from 'node:os';
import type { ResourceRequest } from '../../runtime/index.js';
import { checkWhole, refuse } from '../checks.js';
import { startTicks } from '../guard/identity.js';
import { named } from '../inspect/processes.js';
import { groupLives, signalGroup } from '../process-groups.js';
import type { Claim, Make } from '../site.js';

/** The process group of a child that its tree ends by itself, for the case that this process can not. */
export interface ProgramGroupRequest extends ResourceRequest {
  readonly kind: 'program-group';
  /** Of its leader. */
  readonly pid: number;
  /** How long it has to end once this process is dead, in ms, before it is killed; `Infinity` is waited for. */
  readonly graceMs: number;
  /** Sent first; without it, it is only waited for: one with a channel sees the end of this process by itself. */
  readonly signal?: NodeJS.Signals | undefined;
  /** Sent to the leader alone before that, and its time to finish its work in ms; part of `graceMs`. */
  readonly drain?: { readonly signal: NodeJS.Signals; readonly ms: number } | undefined;
}

/**
 * The owner's half of a child's process group: writes it down next to its mark, which a program that shows its state in its title overwrites with that.
 * Released in order, it ends nobody: the tree has seen to that.
 */
export const makeProgramGroup: Make<ProgramGroupRequest> = (asked, { ledger, guarded }): Claim => {
  const { pid, graceMs, signal, drain } = checked(asked);
  const group = { pid, startTicks: startTicks(pid) ?? 0 };
  const claim = { name: String(pid), facts: group, mapped: false as const };
  // It has ended already: by the time one looks its number may be another's.
  if (group.startTicks === 0) return { ...claim, release: ignore, releaseSync: ignore };
  const entry = { type: 'group', pid, graceMs, signal, drain } as const;
  const written = ledger.want(entry, { type: 'group', startTicks: group.startTicks });
  return {
    ...claim,
    release: () => written.drop(),
    releaseSync: () => {
      if (groupLives(group)) {
        if (guarded()) throw new Error(`process group ${pid} is left to the guardian`);
        signalGroup(pid, 'SIGKILL');
      }
      written.drop();
    },
    users: () => (groupLives(group) ? [named(pid)] : []),
  };
};

function checked(request: ProgramGroupRequest): ProgramGroupRequest {
  const { pid, graceMs, signal, drain } = request;
  checkWhole(SUBJECT, 'pid', pid, 2);
  if (typeof graceMs !== 'number' || !(graceMs >= 0))
    refuse(SUBJECT, 'graceMs', graceMs, 'a number of ms from 0, or Infinity');
  checkSignal('signal', signal);
  checkSignal('drain.signal', drain?.signal);
  if (drain !== undefined) checkWhole(SUBJECT, 'drain.ms', Math.ceil(drain.ms), 0);
  return request;
}

function checkSignal(name: string, signal: NodeJS.Signals | undefined): void {
  if (signal !== undefined && !Object.hasOwn(constants.signals, signal))
    refuse(SUBJECT, name, signal, "the name of a signal, such as 'SIGTERM'");
}

const SUBJECT = "a program's process group";

function ignore(): void {
  // Nothing was written down.
}
