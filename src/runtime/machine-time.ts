/** The two times that processes of one machine can compare; `Clock.now()` counts from the start of its own process. */
export const machineTime: {
  /** In ms since about the boot, the same in all processes; not moved by a change of the wall clock, and not counting sleep (`CLOCK_MONOTONIC`). */
  monotonicMs(): number;
  /** In ms since 1970, as the wall clock has it. */
  epochMs(): number;
} = {
  monotonicMs: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1_000 + nanoseconds / 1_000_000;
  },
  epochMs: () => Date.now(),
};
