// What the measured programs share.

/** An entry point of the build under measurement. */
export function entryPoint(name = 'index') {
  const dist = process.env.BENCH_DIST ?? new URL('../../dist', import.meta.url).href;
  return import(`${dist}/${name}.js`);
}

/** Says what was measured, and ends. */
export function report(measurements) {
  process.stdout.write(`${JSON.stringify(measurements)}\n`, () => process.exit(0));
}

/** Large enough never to give up, and finite, so that every restart is counted. */
export const INTENSITY = { intensity: 1_000_000_000, periodMs: 1000 };

/** The same error each time: what an error costs is the user's, not the supervisor's. */
export const CRASH = new Error('crash');

/** Milliseconds that `run` takes. */
export async function timed(run) {
  const begunAtMs = performance.now();
  await run();
  return performance.now() - begunAtMs;
}

/** Children that wait until they are ended: by `end(i)`, `crash(i)`, or their drain hook. */
export class Waiters {
  /** Called with the number of a child that runs again. */
  onUp = () => undefined;
  resolve = [];
  reject = [];

  begin(i) {
    const waiting = new Promise((resolve, reject) => {
      this.resolve[i] = resolve;
      this.reject[i] = reject;
    });
    this.onUp(i);
    return waiting;
  }

  crash(i) {
    this.reject[i](CRASH);
  }

  /** Crashes one child after another, each once the one before is running again. */
  crashInTurn(n, times) {
    return new Promise((resolve) => {
      let done = 0;
      this.onUp = () => {
        done += 1;
        if (done === times) {
          this.onUp = () => undefined;
          resolve();
        } else this.crash(done % n);
      };
      this.crash(0);
    });
  }
}

/** What a program without a supervisor does: it calls each function again when its promise rejects. Nothing supervised can be faster. */
export function promiseLoop(waiters, n) {
  for (let i = 0; i < n; i += 1) again(waiters, i);
}

function again(waiters, i) {
  waiters.begin(i).catch(() => again(waiters, i));
}

/** A started tree of `n` tasks, with a listener that hears every event. */
export async function startTree(treewarden, waiters, n, settings = {}) {
  const { noBackoff, Supervisor, supervisor, task } = treewarden;
  const children = [];
  for (let i = 0; i < n; i += 1) children.push(task(`c${i}`, () => waiters.begin(i)));
  const tree = new Supervisor(
    supervisor('bench', { ...INTENSITY, backoff: noBackoff(), ...settings, children }),
  );
  let events = 0;
  tree.on('*', () => {
    events += 1;
  });
  await tree.start();
  return { tree, events: () => events };
}
