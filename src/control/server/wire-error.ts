import {
  ControlError,
  type ControlFailure,
  errorFacts,
  InvalidSpecError,
  StartError,
  SurvivorError,
  UnknownChildError,
  WrongStateError,
} from '../../core/index.js';
import type { WireError } from '../protocol.js';

/** An error as plain data, by a word that stays what it is. */
export function wireError(error: unknown): WireError {
  const [code, facts] = classified(error);
  return { code, message: errorFacts(error).message, ...(facts === undefined ? {} : { facts }) };
}

function classified(error: unknown): readonly [ControlFailure, WireError['facts']?] {
  if (error instanceof ControlError) return [error.failure, error.facts];
  if (error instanceof UnknownChildError) {
    const { supervisor, child, known } = error;
    return ['unknown-child', { supervisor, child, known }];
  }
  if (error instanceof WrongStateError) {
    const { subject, operation, obstacle } = error;
    // A supervisor on its way down refuses in this way; nothing is wrong with what was asked.
    return [obstacle === 'stopping' ? 'tree-stopped' : 'wrong-state', { subject, operation, obstacle }];
  }
  if (error instanceof StartError) {
    const { child, exit, stderr } = error;
    return ['start-failed', { child, exit, stderr }];
  }
  if (error instanceof SurvivorError) return ['survivor', { survivor: error.survivor }];
  return [error instanceof InvalidSpecError ? 'bad-request' : 'failed'];
}
