import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { watchHealth } from '../../../../src/children/process/health/watch.js';
import type { HealthOptions } from '../../../../src/children/process/process-options.js';
import type { Reading } from '../../../../src/children/process/usage.js';
import { describeExit, type Exit } from '../../../../src/core/index.js';
import { VirtualClock } from '../../../../src/testing/virtual-clock.js';

const MIB = 2 ** 20;

/** A watched program that is made up: a test sets what its processes use. */
class Program {
  readonly clock: VirtualClock = new VirtualClock();
  readonly faults: string[] = [];
  processes: readonly { readonly mib?: number; readonly cpuMs?: number; readonly reapedCpuMs?: number }[] =
    [];
  paused = false;
  readonly end: () => void;

  constructor(options: HealthOptions) {
    const host = {
      clock: this.clock,
      fault: (exit: Exit) => void this.faults.push(`${this.clock.now()}: ${describeExit(exit)}`),
    };
    this.end = watchHealth(
      host,
      { everyMs: 100, ...options },
      {
        members: () => [],
        isPaused: () => this.paused,
        read: () => this.processes.map((one, pid) => reading(pid, one)),
      },
    );
  }
}

function reading(pid: number, one: Program['processes'][number]): Reading {
  const { mib = 0, cpuMs = 0, reapedCpuMs = 0 } = one;
  return { pid, startTicks: 1, rssBytes: mib * MIB, cpuMs, reapedCpuMs };
}

describe('memory', () => {
  test('above the limit in three looks in a row is a fault, all processes together', async () => {
    const program = new Program({ memoryBytes: 100 * MIB });
    program.processes = [{ mib: 60 }, { mib: 50 }];
    await program.clock.advance(1000);
    expect(program.faults).toEqual([
      '300: unhealthy: its 2 processes have 110.0 MiB of memory, above 100.0 MiB, 3 times in a row',
    ]);
    expect(program.clock.timers).toBe(0);
  });

  test('at the limit is well, and one look that is well begins the count anew', async () => {
    const program = new Program({ memoryBytes: 100 * MIB });
    program.processes = [{ mib: 101 }];
    await program.clock.advance(200);
    program.processes = [{ mib: 100 }];
    await program.clock.advance(100);
    program.processes = [{ mib: 101 }];
    await program.clock.advance(200);
    expect(program.faults).toEqual([]);
    await program.clock.advance(100);
    expect(program.faults).toEqual([
      '600: unhealthy: it has 101.0 MiB of memory, above 100.0 MiB, 3 times in a row',
    ]);
  });
});

describe('the processor', () => {
  test('is judged by what was used between two looks', async () => {
    const program = new Program({ cpuPercent: 150, times: 1 });
    program.processes = [{ cpuMs: 10_000 }];
    await program.clock.advance(100);
    program.processes = [{ cpuMs: 10_100 }, { cpuMs: 50 }];
    await program.clock.advance(100);
    expect(program.faults).toEqual([]);
    program.processes = [{ cpuMs: 10_200 }, { cpuMs: 110 }];
    await program.clock.advance(100);
    expect(program.faults).toEqual([
      '300: unhealthy: its 2 processes have used 160 % of a processor, above 150 %',
    ]);
  });

  test('is also used by children that came and went in between, whose time is counted once', async () => {
    const program = new Program({ cpuPercent: 50, times: 1 });
    program.processes = [{ cpuMs: 10 }, { cpuMs: 40 }];
    await program.clock.advance(100);
    program.processes = [{ cpuMs: 10, reapedCpuMs: 80 }];
    await program.clock.advance(100);
    expect(program.faults).toEqual([]);
    program.processes = [{ cpuMs: 10, reapedCpuMs: 140 }];
    await program.clock.advance(100);
    expect(program.faults).toEqual(['300: unhealthy: it has used 60 % of a processor, above 50 %']);
  });
});

test('age needs one look, whatever the others need', async () => {
  const program = new Program({ ageMs: 250, times: 5 });
  await program.clock.advance(1000);
  expect(program.faults).toEqual(['300: unhealthy: it has run for 300 ms; its ageMs is 250']);
});

describe('a probe', () => {
  test('fails by false, and by what it throws', async () => {
    const answers = [
      () => true,
      () => false,
      () => {
        throw new Error('no route');
      },
      () => Promise.reject(new Error('refused')),
    ];
    const program = new Program({ probe: () => (answers.shift() ?? (() => true))() });
    await program.clock.advance(1000);
    expect(program.faults).toEqual(['400: unhealthy: its probe failed: refused, 3 times in a row']);
  });

  test('that does not answer fails at each further look, and is never run twice at once', async () => {
    let asked = 0;
    const program = new Program({
      probe: () => {
        asked += 1;
        return new Promise(() => undefined);
      },
    });
    await program.clock.advance(1000);
    expect(asked).toBe(1);
    expect(program.faults).toEqual(['400: unhealthy: its probe failed: no answer in time, 3 times in a row']);
  });

  test('that answers late has failed, and is asked again', async () => {
    const answers: ((well: boolean) => void)[] = [];
    const program = new Program({ probe: () => new Promise((resolve) => answers.push(resolve)) });
    await program.clock.advance(250);
    expect(answers).toHaveLength(1);
    answers[0]?.(true);
    await program.clock.advance(50);
    expect(answers).toHaveLength(2);
    answers[1]?.(true);
    await program.clock.advance(250);
    expect(program.faults).toEqual([]);
    program.end();
  });

  test('that answers late is counted once, whatever it says', async () => {
    const answers: ((well: boolean) => void)[] = [];
    const program = new Program({ times: 3, probe: () => new Promise((resolve) => answers.push(resolve)) });
    await program.clock.advance(350);
    answers[0]?.(false);
    await program.clock.advance(10);
    expect(program.faults).toEqual([]);
    program.end();
  });

  test('that answers after the watch has ended counts for nothing', async () => {
    let answer: ((well: boolean) => void) | undefined;
    const program = new Program({
      times: 1,
      probe: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    await program.clock.advance(100);
    program.end();
    answer?.(false);
    await program.clock.advance(1000);
    expect(program.faults).toEqual([]);
  });
});

test('a paused program is not judged, and starts afresh when it goes on', async () => {
  const program = new Program({ memoryBytes: 1, cpuPercent: 1, probe: () => false });
  program.processes = [{ mib: 1, cpuMs: 0 }];
  await program.clock.advance(200);
  program.paused = true;
  await program.clock.advance(1000);
  program.paused = false;
  await program.clock.advance(200);
  expect(program.faults).toEqual([]);
  await program.clock.advance(100);
  expect(program.faults).toHaveLength(1);
  expect(program.faults[0]).toMatch(/^1500: /);
});

test('what a paused program was asked before counts for nothing', async () => {
  let answer: ((well: boolean) => void) | undefined;
  const program = new Program({
    times: 1,
    probe: () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  });
  await program.clock.advance(100);
  program.paused = true;
  await program.clock.advance(100);
  program.paused = false;
  answer?.(false);
  await program.clock.advance(50);
  expect(program.faults).toEqual([]);
  program.end();
});

test('nothing is asked of a program that is found too old', async () => {
  let asked = 0;
  const program = new Program({
    ageMs: 100,
    probe: () => {
      asked += 1;
      return true;
    },
  });
  await program.clock.advance(1000);
  expect(program.faults).toHaveLength(1);
  expect(asked).toBe(0);
});

test('it is looked every ten seconds unless it is said otherwise', async () => {
  const clock = new VirtualClock();
  const asked: number[] = [];
  const probe = (): boolean => asked.push(clock.now()) > 0;
  const end = watchHealth(
    { clock, fault: () => undefined },
    { probe },
    { members: () => [], isPaused: () => false },
  );
  await clock.advance(30_000);
  expect(asked).toEqual([10_000, 20_000, 30_000]);
  end();
});

test('what a paused program used is not held against it when it goes on', async () => {
  const program = new Program({ cpuPercent: 50, times: 1 });
  program.processes = [{ cpuMs: 0 }];
  await program.clock.advance(100);
  program.paused = true;
  await program.clock.advance(100);
  program.paused = false;
  program.processes = [{ cpuMs: 1000 }];
  await program.clock.advance(100);
  expect(program.faults).toEqual([]);
  program.end();
});

test('a port that nothing listens at any more is a fault', async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const program = new Program({ port, times: 2 });
  const connected = new Promise((resolve) => server.once('connection', resolve));
  await program.clock.advance(100);
  await connected;
  await new Promise((resolve) => server.close(resolve));
  while (program.faults.length === 0) {
    await program.clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(program.faults[0]).toMatch(
    new RegExp(
      `its port 127.0.0.1:${port} accepts no connection: .*(ECONNREFUSED|no answer).*2 times in a row$`,
    ),
  );
});
