import type { AnySupervisorSpec, Supervised } from '../../index.js';
import { duration } from '../amounts.js';
import { leavesOf } from '../child-path.js';
import { obstacleLine } from '../obstacle-lines.js';
import type { Terminal } from '../terminal.js';
import { harmless } from '../text.js';
import type { Narration } from './narration.js';

/** How often it is looked at while a stop takes its time, and how often it is said where no line can be renewed, in ms. */
const LOOK_MS = 1000;
const SAY_AGAIN_MS = 10_000;

/** Says while a tree stops what is left of it and why. Returns what ends that. */
export function sayWhatIsLeft(
  app: Supervised<AnySupervisorSpec>,
  terminal: Terminal,
  narration: Narration,
): () => void {
  const beganMs = performance.now();
  let said = '';
  let saidMs = Number.NEGATIVE_INFINITY;
  const timer = setInterval(() => {
    const left = whatIsLeft(app);
    const nowMs = performance.now();
    const line = `still there after ${duration(nowMs - beganMs)}: ${left}`;
    if (terminal.showsProgress) terminal.progress(line);
    else if (left !== said || nowMs - saidMs >= SAY_AGAIN_MS) {
      narration.say('', line);
      said = left;
      saidMs = nowMs;
    }
  }, LOOK_MS);
  return () => {
    clearInterval(timer);
    terminal.progress();
  };
}

/** The children that are not down, each with what stands in its way. */
function whatIsLeft(app: Supervised<AnySupervisorSpec>): string {
  const root = app.snapshot();
  const left = leavesOf(root).filter(({ status }) => status !== 'down' && status !== 'waiting');
  if (left.length === 0) return 'no child, but the clean-up';
  const [first, ...others] = left.map(({ path, status }) => {
    const below = path.slice(root.path.length + 1);
    const why = obstacleLine(app.child(below).explainStop());
    return `${harmless(below)} (${status})${why === '' ? '' : `: ${why}`}`;
  });
  return `${first}${others.length === 0 ? '' : `; and ${others.length} more`}`;
}
