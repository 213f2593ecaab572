import { constants } from 'node:os';
import type { Exit } from '../../core/index.js';
import type { ProcessOptions } from './process-options.js';
import type { Asked } from './wish.js';

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  /** Null as the code is where nobody can say. */
  readonly signal: NodeJS.Signals | null;
  /** What it had been asked to do by then. */
  readonly asked: Asked;
  /** How it may have been asked to. */
  readonly signals: Pick<ProcessOptions, 'drainSignal' | 'stopSignal' | 'finalSignal'>;
  /** V8's words for having run out of memory, or what shows that the kernel ended it for want of some. */
  readonly outOfMemory: string | undefined;
}

/** The status by which a shell, or a program in its manner, tells that this signal ended it. */
const statusOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

/** Where who waited for it is gone, and with it what it was told. */
const UNKNOWN: Readonly<Record<Asked, Exit>> = {
  nothing: {
    type: 'failed',
    error: {
      name: 'LostExit',
      message:
        'It has ended, and how is not known: the spawn helper that had started it ended before. See who killed the helper, or what it had no memory for.',
    },
  },
  stop: { type: 'shutdown' },
  kill: { type: 'killed' },
};

/** What the end of a process means: whether it is the one that was asked for, and if not, whose doing it was. */
export function explainEnd({ code, signal, asked, signals, outOfMemory }: ProcessEnd): Exit {
  const { drainSignal, stopSignal = 'SIGTERM', finalSignal } = signals;
  const isEndBy = (one: NodeJS.Signals | undefined): boolean =>
    one !== undefined && (signal === one || code === statusOf(one));
  if (asked === 'kill' && (signal === 'SIGKILL' || (signal !== null && signal === finalSignal)))
    return { type: 'killed' };
  if (asked !== 'nothing' && (code === 0 || isEndBy(stopSignal) || isEndBy(drainSignal)))
    return { type: 'shutdown' };
  if (outOfMemory !== undefined && (signal === 'SIGKILL' || isEndBy('SIGABRT'))) {
    return { type: 'out-of-memory', detail: outOfMemory, signal: signal ?? 'SIGABRT' };
  }
  if (signal !== null) return { type: 'signal', signal };
  if (code === null) return UNKNOWN[asked];
  return code === 0 ? { type: 'completed' } : { type: 'code', code };
}
