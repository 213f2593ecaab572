import { describe, expect, test } from 'vitest';
import type { SupervisionEvent } from '../../src/core/index.js';
import { supervisor } from '../../src/runtime/index.js';
import { fakeChild, testTree } from '../../src/testing/index.js';

const tree = () =>
  testTree(
    supervisor('root', {
      intensity: 9,
      children: [fakeChild('a'), supervisor('in', { intensity: 9, children: [fakeChild('b')] })],
    }),
  );

describe('the events of a tree', () => {
  test('are heard where they happen and above, and nowhere else', async () => {
    const of = await tree();
    const heard: string[] = [];
    of.root.on('child:exited', ({ child }) => heard.push(`root: ${child}`));
    of.child('in').supervisor?.on('child:exited', ({ child }) => heard.push(`in: ${child}`));
    await of.crash('in/b');
    await of.crash('a');
    expect(heard).toEqual(['in: root/in/b', 'root: root/in/b', 'root: root/a']);
  });

  test('are heard no more once the listener is removed, which may be done twice', async () => {
    const of = await tree();
    const heard: string[] = [];
    const forget = of.root.on('child:ready', ({ child }) => heard.push(child));
    const twice = of.root.on('child:ready', ({ child }) => heard.push(child));
    await of.crash('a');
    forget();
    forget();
    await of.crash('a');
    await of.advance(1000);
    expect(heard).toEqual(['root/a', 'root/a', 'root/a']);
    twice();
  });

  test('an async listener that rejects disturbs nothing either, and is told', async () => {
    const of = await tree();
    const failed: string[] = [];
    of.root.on('*', ({ type }): unknown => Promise.reject(new Error(`cannot send ${type}`)));
    of.root.on('listener:failed', ({ error }) => failed.push(error.message));
    await of.crash('a');
    await of.stop();
    expect(failed).toContain('cannot send child:exited');
    expect(failed).not.toContain('cannot send listener:failed');
  });

  test('are plain JSON, in the order of time', async () => {
    const of = await tree();
    const heard: SupervisionEvent[] = [];
    of.root.on('*', (event) => heard.push(event));
    await of.crash('a', new TypeError('x'));
    await of.advance(10);
    await of.crash('in/b');
    await of.stop();
    const times = heard.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(JSON.parse(JSON.stringify(heard[0]))).toMatchObject({
      type: 'child:exited',
      child: 'root/a',
      exit: { type: 'failed', error: { name: 'TypeError', message: 'x' } },
    });
  });

  test('tell of a listener that fails, once, even if it fails at that, too', async () => {
    const of = await tree();
    const failed: string[] = [];
    of.root.on('*', () => {
      throw new Error('always');
    });
    of.root.on('listener:failed', ({ event, error }) => failed.push(`${event}: ${error.message}`));
    await of.crash('a');
    expect(failed).toEqual([
      'child:exited: always',
      'child:restarting: always',
      'child:starting: always',
      'child:ready: always',
    ]);
    of.expectStatus('a', 'ready');
  });
});
