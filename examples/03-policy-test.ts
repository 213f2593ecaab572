// A unit test of a restart policy: no process is started, and the minute passes in no time.
//
//   node --import tsx --test examples/03-policy-test.ts

import { test } from 'node:test';
import { exponentialBackoff, fork, supervisor, task } from 'treewarden';
import { testTree } from 'treewarden/testing';

const shop = supervisor('shop', {
  strategy: 'rest_for_one',
  intensity: 3,
  periodMs: 60_000,
  backoff: exponentialBackoff({ jitter: 'none' }),
  children: [
    task('connection', async () => undefined),
    fork('resize', './resize.js'),
    fork('mail', './mail.js'),
  ],
});

test('what depends on the connection is restarted with it, in order', async () => {
  await using tree = await testTree(shop);
  await tree.crash('connection');
  tree.expectOrder([
    'end connection',
    'end mail',
    'end resize',
    'start connection',
    'start resize',
    'start mail',
  ]);
});

test('a failed mailer waits longer each time, and nobody else is touched', async () => {
  await using tree = await testTree(shop);
  await tree.crash('mail');
  await tree.crash('mail');
  await tree.advance(100);
  await tree.crash('mail');
  await tree.advance(200);
  tree.expectStarts([
    { child: 'mail', atMs: 0 },
    { child: 'mail', atMs: 100 },
    { child: 'mail', atMs: 300 },
  ]);
});

test('the fourth crash within a minute is one too many', async () => {
  const tree = await testTree(shop);
  for (let crashes = 0; crashes < 4; crashes += 1) {
    await tree.crash('resize');
    await tree.advance(1000);
  }
  tree.expectOutcome({ type: 'gave-up', child: 'shop/resize', restarts: 4 });
  tree.expectNothingLeft();
});
