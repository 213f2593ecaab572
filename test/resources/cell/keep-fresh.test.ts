import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { InvalidSpecError } from '../../../src/core/index.js';
import { snapshotCell } from '../../../src/resources/cell/cell.js';
import { type FreshOptions, keepFresh } from '../../../src/resources/cell/keep-fresh.js';
import type { ChildContext } from '../../../src/runtime/index.js';
import { SharedFileHost } from './host.js';

const kind = snapshotCell<number>({ name: 'rates', bytes: 64 });

/** A child that keeps the cell fresh, and what it has said. */
class Child {
  readonly stop = new AbortController();
  readonly said: string[] = [];
  readonly faults: unknown[] = [];
  readonly done: Promise<void>;

  constructor(host: SharedFileHost, options: Omit<FreshOptions<number>, 'cell'>) {
    const ctx: Partial<ChildContext> = {
      path: 'shop/rates',
      signal: this.stop.signal,
      ready: () => this.said.push('ready'),
      heartbeat: () => this.said.push('heartbeat'),
      fail: (reason) => {
        this.faults.push(reason);
        this.stop.abort(reason);
      },
      log: {
        debug: () => this.said.push('debug'),
        info: () => this.said.push('info'),
        warn: () => this.said.push('warn'),
        error: () => this.said.push('error'),
      },
      resources: { acquire: (wanted) => host.acquire(wanted) },
    };
    // Safe: what keepFresh needs of a context.
    this.done = keepFresh({ cell: kind, ...options })(ctx as ChildContext);
  }
}

/** Loads what it is given, one after the other, and then ends the child. */
function source(child: () => Child, ...values: readonly (number | Error)[]): () => Promise<number> {
  const left = [...values];
  return async () => {
    const value = left.shift();
    if (left.length === 0) queueMicrotask(() => queueMicrotask(() => child().stop.abort()));
    if (value instanceof Error) throw value;
    return value ?? 0;
  };
}

describe('what keeps a cell fresh', () => {
  test('writes what has changed, and shows life after each load', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(kind);
    const seen: unknown[] = [];
    let loads = 0;
    const child: Child = new Child(host, {
      everyMs: 1,
      load: () => {
        seen.push([cell.read(), cell.version]);
        loads += 1;
        if (loads === 5) child.stop.abort();
        return [1, 1, 2, 2][loads - 1] ?? 9;
      },
    });
    await child.done;
    expect(seen).toEqual([
      [undefined, 0],
      [1, 1],
      [1, 1],
      [2, 2],
      [2, 2],
    ]);
    expect(child.said.filter((word) => word === 'heartbeat')).toHaveLength(4);
    // What arrives after the stop is not written.
    expect(cell.read()).toBe(2);
  });

  test('keeps the last good value while the source fails', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(kind);
    const errors: unknown[] = [];
    let loads = 0;
    const child: Child = new Child(host, {
      everyMs: 1,
      load: () => {
        loads += 1;
        if (loads === 1) return 7;
        if (loads === 4) child.stop.abort();
        throw new Error(`down ${loads}`);
      },
      onError: (error) => errors.push((error as Error).message),
    });
    await child.done;
    expect([cell.read(), cell.version, errors]).toEqual([7, 1, ['down 2', 'down 3']]);
    expect(child.faults).toEqual([]);
  });

  test('logs the first failure of a row as a warning', async () => {
    await using host = new SharedFileHost();
    const down = new Error('down');
    const child: Child = new Child(host, {
      everyMs: 1,
      load: source(() => child, down, down, 1, down, down, 2, 3),
    });
    await child.done;
    expect(child.said.filter((word) => word !== 'heartbeat' && word !== 'ready')).toEqual([
      'warn',
      'debug',
      'warn',
      'debug',
    ]);
  });

  test('fails once the value is older than it may be, with the last error as the cause', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(kind);
    let loads = 0;
    const child = new Child(host, {
      everyMs: 5,
      maxAgeMs: 30,
      load: () => {
        loads += 1;
        if (loads === 1) return 7;
        throw new Error('down');
      },
    });
    await expect(child.done).rejects.toMatchObject({
      code: 'RESOURCE_FAILED',
      operation: 'refresh',
      cause: { message: 'down' },
    });
    expect([cell.read(), cell.version]).toEqual([7, 1]);
  });

  test('aborts a load that hangs for longer than the value may be old, and says so', async () => {
    await using host = new SharedFileHost();
    const child = new Child(host, {
      everyMs: 5,
      maxAgeMs: 30,
      load: async (signal) => {
        await once(signal, 'abort');
        throw signal.reason;
      },
    });
    await child.done;
    expect(child.faults).toMatchObject([{ code: 'RESOURCE_FAILED', operation: 'refresh' }]);
  });

  test('is ready at once where the cell has a value that is not too old', async () => {
    await using host = new SharedFileHost();
    const before = await host.acquire(kind);
    before.write(1);
    await before.release();
    const child: Child = new Child(host, {
      maxAgeMs: 60_000,
      load: () => {
        expect(child.said).toEqual(['ready']);
        child.stop.abort();
        return 2;
      },
    });
    await child.done;
  });

  test('is not ready before the first value', async () => {
    await using host = new SharedFileHost();
    const child: Child = new Child(host, {
      everyMs: 1,
      load: source(() => child, new Error('down'), 1, 2),
      onError: () => expect(child.said).toEqual([]),
    });
    await child.done;
    expect(child.said.slice(0, 2)).toEqual(['heartbeat', 'ready']);
  });

  test('ends at once when it is asked to, within a pause and within a load', async () => {
    await using host = new SharedFileHost();
    const pausing = new Child(host, { everyMs: 2_000_000, load: () => 1 });
    while (!pausing.said.includes('heartbeat')) await new Promise(setImmediate);
    pausing.stop.abort();
    await pausing.done;
    const cell = await host.acquire(kind);
    expect(cell.read()).toBe(1);
    const loading: Child = new Child(host, {
      load: async (signal): Promise<number> => {
        queueMicrotask(() => loading.stop.abort());
        await once(signal, 'abort');
        throw signal.reason;
      },
    });
    await loading.done;
    expect(loading.faults).toEqual([]);
  });

  test('never loads twice at the same time', async () => {
    await using host = new SharedFileHost();
    let loading = 0;
    let loads = 0;
    const child: Child = new Child(host, {
      everyMs: 1,
      load: async () => {
        loading += 1;
        expect(loading).toBe(1);
        for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
        loading -= 1;
        loads += 1;
        if (loads === 3) child.stop.abort();
        return loads;
      },
    });
    await child.done;
  });
});

const load = (): number => 1;

test.each([
  [{ load }, 'cell'],
  [{ cell: kind }, 'load'],
  [{ cell: kind, load, everyMs: 0 }, 'everyMs'],
  [{ cell: kind, load, maxAgeMs: 0 }, 'maxAgeMs'],
  [{ cell: kind, load, onError: 1 }, 'onError'],
  [{ cell: kind, load, every: 1 }, 'every'],
])('options are refused where they are given (%#)', (options, field) => {
  let thrown: unknown;
  try {
    keepFresh(options as never);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(InvalidSpecError);
  expect(thrown).toMatchObject({ field });
});
