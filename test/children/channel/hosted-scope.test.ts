import { expect, test } from 'vitest';
import { HostedScope } from '../../../src/children/channel/hosted-scope.js';
import type { ResourceAnswer } from '../../../src/children/channel/wire.js';
import { task } from '../../../src/children/index.js';
import type { ResourceProvider, ResourceScope } from '../../../src/runtime/index.js';
import { fakeResources, RecordingHost } from '../../../src/testing/index.js';

const SPEC = task('it', () => undefined);
const LOCK = { kind: 'lock', name: 'a' };

/** A promise and the function that settles it. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** The supervisor's side, and what it answers, in order. */
function hosted(resources: ResourceProvider, cannotSend?: ResourceAnswer['type']) {
  const host = new RecordingHost(SPEC, { resources });
  const answers: ResourceAnswer[] = [];
  const answered = new Set<() => void>();
  const send = (answer: ResourceAnswer): void => {
    if (answer.type === cannotSend) throw new TypeError('cannot be cloned');
    answers.push(answer);
    for (const look of answered) look();
  };
  const scope = new HostedScope(host, send, undefined);
  /** Resolves once there are so many. */
  const told = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => void (answers.length >= count && resolve());
      answered.add(look);
      look();
    });
  return { host, scope, answers, told };
}

test('where no scope could be opened, the next request tries again', async () => {
  const resources = fakeResources();
  let opened = 0;
  const { scope, answers, told } = hosted({
    openScope: async (owner) => {
      opened += 1;
      if (opened === 1) throw new Error('no state directory');
      return resources.openScope(owner);
    },
  });
  scope.acquire(1, LOCK);
  await told(1);
  expect(answers[0]).toMatchObject({ type: 'not-granted', id: 1, error: { message: 'no state directory' } });
  scope.acquire(2, LOCK);
  await told(2);
  expect(answers[1]).toMatchObject({ type: 'granted', id: 2 });
  await scope.close();
  expect(resources.held).toEqual([]);
});

test('a grant that cannot be sent is given back at once, and the program is told why', async () => {
  const resources = fakeResources();
  const { scope, answers, told } = hosted(resources, 'granted');
  scope.acquire(1, LOCK);
  await told(1);
  expect(answers).toMatchObject([{ type: 'not-granted', id: 1, error: { message: 'cannot be cloned' } }]);
  expect(resources.log).toEqual(['root/it#1 acquires lock "a"', 'root/it#1 releases lock "a"']);
  await scope.close();
});

test('a release that fails is told to the program', async () => {
  const resources = fakeResources({
    release: () => {
      throw new Error('cannot release');
    },
  });
  const { scope, answers, told } = hosted(resources);
  scope.acquire(1, LOCK);
  await told(1);
  const { number } = (answers[0] as Extract<ResourceAnswer, { type: 'granted' }>).grant;
  scope.giveBack(2, number);
  await told(2);
  expect(answers[1]).toMatchObject({ type: 'given-back', id: 2, error: { message: 'cannot release' } });
  await scope.close();
});

test('what is asked for while a scope is being opened is not made once the program has ended', async () => {
  const resources = fakeResources();
  const opening = gate();
  const { scope, answers } = hosted({
    openScope: async (owner) => {
      await opening.opened;
      return resources.openScope(owner);
    },
  });
  scope.acquire(1, LOCK);
  const closing = scope.close();
  opening.open();
  await closing;
  expect(answers).toMatchObject([{ type: 'not-granted', id: 1 }]);
  expect(resources.log).toEqual(['root/it#1 ends']);
});

test('is closed only when what is being given back is given back', async () => {
  const releasing = gate();
  const inner: ResourceScope = {
    grant: async () => ({ number: 1, name: 'a', facts: undefined }),
    giveBack: () => releasing.opened,
    close: async () => [],
  };
  const { scope, answers, told } = hosted({ openScope: () => inner });
  scope.acquire(1, LOCK);
  await told(1);
  scope.giveBack(2, 1);
  let closed = false;
  const closing = scope.close().then(() => (closed = true));
  await new Promise(setImmediate);
  expect(closed).toBe(false);
  releasing.open();
  await closing;
  expect(answers.at(-1)).toEqual({ type: 'given-back', id: 2 });
});
