import type { StopVerdict } from '../../../core/index.js';

/** What to do about it, in one line. */
export function adviceFor(verdict: StopVerdict, signal: NodeJS.Signals): string {
  return ADVICE[verdict].replaceAll('SIGNAL', signal);
}

const ADVICE: Readonly<Record<StopVerdict, string>> = {
  ignored:
    "Let it handle SIGNAL, or set stopSignal to one that it heeds. What a shell's trap '' or nohup starts ignores what they do.",
  blocked: 'Let it unblock SIGNAL (sigprocmask), or set stopSignal to one that it takes.',
  caught:
    'Let its handler end the program; in PHP call pcntl_async_signals(true), or its handlers run only when they are dispatched.',
  'loop-blocked':
    'Give the event loop turns: move long work to a thread, and use the asynchronous form of calls that wait.',
  suspended: 'Send it SIGCONT, end the debugger that holds it, or resume a child that was paused.',
  init: 'Let it handle SIGNAL, or put an init before it that passes signals on, such as tini or docker run --init.',
  shell: "Start the program without a shell, or let the shell become it: sh -c 'exec program'.",
  uninterruptible:
    'Only the kernel can let it go: look at the disk, the network file system or the device that it waits for.',
  zombie: 'It uses nothing but its number; its parent must wait for it, or end.',
  'not-permitted': 'Run the supervisor as that user or with CAP_KILL, or let the program keep its user.',
  'not-asked':
    "Its program is to end it, or it is asked once that has ended (with killScope: 'tree'); what is left then is killed with the rest of the tree.",
  'at-work':
    'Give it more time by drainMs or shutdown, or let its drain hooks and critical sections take less.',
  unknown: 'It may be about to end; a longer shutdown leaves it the time.',
};
