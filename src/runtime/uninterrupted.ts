import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/**
 * The word that a thread shares with whoever may end it: how many sections it is in that must not be interrupted, or {@link CLOSED}.
 *
 * A thread that is terminated while native code makes objects for it takes the whole process with it: such code throws, and Node ends a process
 * in which an addon throws where nothing can be thrown any more. So the thread says when it is in such code, and its end waits for that.
 */
export type Sections = Int32Array;

const CLOSED = -1;
/** The version is that of the word: the thread may have another copy of this library. */
const KEY = 'treewarden/uninterrupted-1';

/**
 * Starts a thread that shares a word with its starter. Threads that it starts in turn share it as well: they end with it.
 * @param start - calls `new Worker`, which copies what all threads are given
 */
export function withSections<T>(start: () => T): { readonly started: T; readonly sections: Sections } {
  const sections = new Int32Array(new SharedArrayBuffer(4));
  const outer = getEnvironmentData(KEY);
  setEnvironmentData(KEY, [sections, ...sectionsHere()] as never);
  try {
    return { started: start(), sections };
  } finally {
    setEnvironmentData(KEY, outer);
  }
}

/** Lets the thread into no section from now on, unless it is in one: false then, and it is to be asked again. */
export function closeSections(sections: Sections): boolean {
  const found = Atomics.compareExchange(sections, 0, 0, CLOSED);
  return found === 0 || found === CLOSED;
}

/**
 * Enters a section that must not be interrupted. Short ones only: a kill waits for its end. Without effect in a thread that nobody of us has started.
 * @returns what leaves it, to be called once; nothing if this thread is about to be ended, so that there is no point in going on
 */
export function enterSection(): (() => void) | undefined {
  const entered: Sections[] = [];
  const leave = (): void => {
    for (const sections of entered) Atomics.sub(sections, 0, 1);
  };
  for (const sections of sectionsHere()) {
    if (!raised(sections)) {
      leave();
      return undefined;
    }
    entered.push(sections);
  }
  return leave;
}

/** This thread's own, and those of the threads around it. */
function sectionsHere(): readonly Sections[] {
  // Safe: the name is ours, and so is what is written there.
  return (getEnvironmentData(KEY) as unknown as readonly Sections[] | undefined) ?? [];
}

function raised(sections: Sections): boolean {
  for (;;) {
    const inside = Atomics.load(sections, 0);
    if (inside === CLOSED) return false;
    if (Atomics.compareExchange(sections, 0, inside, inside + 1) === inside) return true;
  }
}
