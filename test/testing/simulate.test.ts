import { describe, expect, test } from 'vitest';
import { constantBackoff, noBackoff } from '../../src/core/index.js';
import { type ChildSpec, supervisor } from '../../src/runtime/index.js';
import { fakeChild, simulate } from '../../src/testing/index.js';

const shop = supervisor('shop', {
  strategy: 'rest_for_one',
  intensity: 2,
  periodMs: 10_000,
  backoff: constantBackoff(200),
  children: [
    fakeChild('db'),
    supervisor('workers', {
      backoff: noBackoff(),
      children: [fakeChild('hash'), fakeChild('resize', { stallAfterMs: 1000 })],
    }),
    fakeChild('mail', { shutdown: 500, drainMs: 0 }),
  ],
});

describe('a simulation', () => {
  test('answers who would stop and start, in which order and when', async () => {
    const { starts, stops, changes, outcome } = await simulate(shop, [
      { atMs: 100, child: 'db', fault: 'crash' },
    ]);
    expect(stops).toEqual(['mail', 'workers/resize', 'workers/hash']);
    expect(starts).toEqual(['db', 'workers/hash', 'workers/resize', 'mail']);
    expect(changes.map(({ change, child, atMs }) => `${atMs} ${change} ${child}`)).toEqual([
      '100 end db',
      '100 end mail',
      '100 end workers/resize',
      '100 end workers/hash',
      '100 end workers',
      '100 start db',
      '100 start workers',
      '100 start workers/hash',
      '100 start workers/resize',
      '100 start mail',
    ]);
    expect(outcome).toBeUndefined();
  });

  test('waits for backoffs, and for a stalled child to be found', async () => {
    const answer = await simulate(shop, [
      { atMs: 0, child: 'mail', fault: 'crash' },
      { atMs: 10, child: 'mail', fault: 'crash' },
      { atMs: 0, child: 'workers/resize', fault: 'stall' },
    ]);
    expect(answer.changes.filter(({ change }) => change === 'start')).toMatchObject([
      { child: 'mail', atMs: 0, incarnation: 2 },
      { child: 'mail', atMs: 210, incarnation: 3 },
      { child: 'workers/resize', atMs: 1000, incarnation: 2 },
    ]);
    expect(answer.changes.find(({ child }) => child === 'workers/resize')?.exit).toMatchObject({
      type: 'stalled',
    });
    expect(answer.tree.children?.map(({ status }) => status)).toEqual(['ready', 'ready', 'ready']);
  });

  test('tells who gives up, and how the tree ends', async () => {
    const crash = { child: 'db', fault: 'crash' } as const;
    const answer = await simulate(shop, [
      { atMs: 0, ...crash },
      { atMs: 1000, ...crash },
      { atMs: 2000, ...crash },
    ]);
    expect(answer.gaveUp).toEqual(['shop']);
    expect(answer.outcome).toMatchObject({ type: 'gave-up', child: 'shop/db', restarts: 3 });
    expect(answer.endedAtMs).toBe(2000);
    expect(answer.timeline).toMatch(/shop +gives up: 3 restarts within 10000 ms, the last of db/);
  });

  test('stops the tree when told, and names what survives', async () => {
    const answer = await simulate(
      shop,
      [
        { atMs: 0, child: 'mail', fault: 'behave', stop: 'ignore' },
        { atMs: 0, child: 'db', fault: 'behave', stop: 'ignore', kill: 'survive' },
      ],
      { stopAtMs: 300, graceMs: 20_000 },
    );
    expect(answer.outcome).toEqual({ type: 'shutdown' });
    expect(answer.survivors.map(({ child }) => child)).toEqual(['shop/db']);
    expect(answer.changes.find(({ child }) => child === 'mail')).toMatchObject({ atMs: 800, asked: true });
  });

  test('passes over faults of what is not there, and goes on as long as it is told', async () => {
    const answer = await simulate(
      shop,
      [
        { atMs: 0, child: 'mail', fault: 'crash' },
        { atMs: 5, child: 'mail', fault: 'crash' },
        { atMs: 6, child: 'mail', fault: 'crash' },
      ],
      { untilMs: 100 },
    );
    expect(answer.timeline).toContain('crash: passed over, since it is not there');
    expect(answer.tree.children?.[2]).toMatchObject({ id: 'mail', status: 'waiting' });
  });

  test('starts nothing real, and can be made plain JSON', async () => {
    const real: ChildSpec<'real'> = {
      id: 'real',
      kind: 'command',
      driver: {
        start: () => {
          throw new Error('started');
        },
      },
    };
    const answer = await simulate(supervisor('shop', { intensity: 5, children: [real] }), [
      { atMs: 0, child: 'real', fault: 'fail-starts', times: 1 },
      { atMs: 0, child: 'real', fault: 'crash' },
    ]);
    expect(JSON.parse(JSON.stringify(answer)).starts).toEqual(['real', 'real']);
  });

  test('is refused for a child that is not there', async () => {
    // @ts-expect-error the tree has no such path
    await expect(simulate(shop, [{ atMs: 0, child: 'workers/typo', fault: 'crash' }])).rejects.toThrow(
      /no fake/,
    );
  });
});
