import { describe, expect, test } from 'vitest';
import {
  describeExit,
  type ErrorFacts,
  errorFacts,
  isSupervisionError,
  StartError,
  UnknownChildError,
} from '../../src/core/index.js';

function throwing(): object {
  return Object.defineProperty({}, 'message', {
    get: () => {
      throw new Error('from the getter');
    },
  });
}

describe('the facts of something thrown', () => {
  test.each([
    { thrown: new TypeError('no'), name: 'TypeError', message: 'no' },
    { thrown: undefined, name: 'Error', message: 'thrown value: undefined' },
    { thrown: null, name: 'Error', message: 'thrown value: null' },
    { thrown: 42, name: 'Error', message: 'thrown value: 42' },
    { thrown: 'oops', name: 'Error', message: 'thrown value: oops' },
    { thrown: { a: 1 }, name: 'Error', message: 'thrown value: {"a":1}' },
    { thrown: function gone() {}, name: 'Error', message: 'thrown value: function gone' },
    { thrown: throwing(), name: 'Error', message: 'thrown value: {}' },
    { thrown: Symbol('s'), name: 'Error', message: 'thrown value: Symbol(s)' },
  ])('are readable for $message', ({ thrown, name, message }) => {
    expect(errorFacts(thrown)).toMatchObject({ name, message });
  });

  test('survive JSON without the thrown value, with the stack', () => {
    const thrown = Object.assign(new Error('gone'), { code: 'EPIPE' });
    const facts = JSON.parse(JSON.stringify(errorFacts(thrown))) as ErrorFacts;
    expect(facts).toEqual({ name: 'Error', message: 'gone', code: 'EPIPE', stack: thrown.stack });
    expect(errorFacts(thrown).thrown).toBe(thrown);
  });
});

test('every exit reads as one line', () => {
  const exit = { type: 'gave-up', child: 'shop/a', restarts: 2, periodMs: 5000, attempts: [] } as const;
  expect(describeExit(exit)).toBe('gave up: 2 restarts within 5000 ms, the last of "shop/a"');
  expect(describeExit({ type: 'child-not-started', child: 'shop/a', exit: { type: 'code', code: 2 } })).toBe(
    'its child "shop/a" did not start: exited with code 2',
  );
  const deep = { type: 'child-not-started', child: 'shop/a/b', exit: { type: 'code', code: 2 } } as const;
  expect(describeExit({ type: 'child-not-started', child: 'shop/a', exit: deep })).toBe(
    'its child "shop/a/b" did not start: exited with code 2',
  );
});

describe('an error', () => {
  test('names the child, the cause and the last words', () => {
    const cause = new Error('refused');
    const error = new StartError('shop/db', { type: 'failed', error: errorFacts(cause) }, [
      'fatal: no password',
    ]);
    expect(error.message).toContain('"shop/db" did not start: failed: Error: refused');
    expect(error.message).toContain('fatal: no password');
    expect(error.cause).toBe(cause);
  });

  test('ends in one full stop, also where its cause has one', () => {
    const error = new StartError('shop/db', { type: 'failed', error: errorFacts(new Error('It is full.')) });
    expect(error.message).toBe('"shop/db" did not start: failed: Error: It is full.');
  });

  test('is recognised by its brand, so that both module formats know it', () => {
    expect(isSupervisionError(new UnknownChildError('shop', 'x', []))).toBe(true);
    expect(isSupervisionError(new Error('x'))).toBe(false);
    expect(isSupervisionError(undefined)).toBe(false);
  });
});
