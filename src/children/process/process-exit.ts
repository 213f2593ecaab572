import { constants } from 'node:os';
import type { Exit } from '../../core/index.js';

/** What a process has been asked to do. */
export type Asked = 'nothing' | 'stop' | 'kill';

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it had been asked to do by then. */
  readonly asked: Asked;
  readonly stopSignal: NodeJS.Signals;
  /** V8's words for having run out of memory, if it wrote them. */
  readonly outOfMemory: string | undefined;
}

/** The status by which a shell, or a program in its manner, tells that this signal ended it. */
const statusOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

/** What the end of a process means: whether it is the one that was asked for, and if not, whose doing it was. */
export function explainEnd({ code, signal, asked, stopSignal, outOfMemory }: ProcessEnd): Exit {
  if (asked === 'kill' && signal === 'SIGKILL') return { type: 'killed' };
  if (asked !== 'nothing' && (code === 0 || code === statusOf(stopSignal) || signal === stopSignal)) {
    return { type: 'shutdown' };
  }
  if (outOfMemory !== undefined && (signal === 'SIGABRT' || code === statusOf('SIGABRT'))) {
    return { type: 'out-of-memory', detail: outOfMemory };
  }
  if (signal !== null) return { type: 'signal', signal };
  return code === 0 ? { type: 'completed' } : { type: 'code', code: code ?? -1 };
}
