import { duration } from './amounts.js';
import type { Terminal } from './terminal.js';

/** From when on a wait is worth a line, and how often that line is renewed, in ms. */
const PATIENCE_MS = 500;
const RENEWED_MS = 1000;
/** From when on somebody wants to know why, in ms. */
const WHY_AFTER_MS = 2000;

/**
 * Shows that something is waited for, and for how long already, until it has come about; nothing where nobody would see it.
 *
 * @param what - as in `stopping mail`
 * @param why - asked when it takes longer: what it waits for, or nothing. That this cannot be said is no failure of the wait.
 */
export async function waitShown<T>(
  work: Promise<T>,
  what: string,
  terminal: Pick<Terminal, 'progress' | 'showsProgress'>,
  why: () => Promise<string> = async () => '',
): Promise<T> {
  if (!terminal.showsProgress) return work;
  const beganMs = performance.now();
  let isOver = false;
  const show = async (): Promise<void> => {
    const reason = performance.now() - beganMs < WHY_AFTER_MS ? '' : await why().catch(() => '');
    if (isOver) return;
    terminal.progress(
      `${what}: ${duration(performance.now() - beganMs)}${reason === '' ? '' : `; ${reason}`}`,
    );
    timer = setTimeout(show, RENEWED_MS);
  };
  let timer = setTimeout(show, PATIENCE_MS);
  try {
    return await work;
  } finally {
    isOver = true;
    clearTimeout(timer);
    terminal.progress();
  }
}
