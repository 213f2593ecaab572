import { describe, expect, test } from 'vitest';
import { Scope } from '../../src/runtime/index.js';

describe('a scope', () => {
  test('undoes last in, first out, each when the one before is done', async () => {
    const done: string[] = [];
    const scope = new Scope();
    scope.defer(() => done.push('first'));
    scope.defer(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      done.push('second');
    });
    await scope.close();
    expect(done).toEqual(['second', 'first']);
  });

  test('goes on past a failure, and reports every one', async () => {
    const done: string[] = [];
    const scope = new Scope();
    scope.defer(() => done.push('first'));
    scope.defer(() => {
      throw new Error('thrown');
    });
    scope.defer(() => Promise.reject(new Error('rejected')));
    expect(await scope.close()).toMatchObject([{ message: 'rejected' }, { message: 'thrown' }]);
    expect(done).toEqual(['first']);
  });

  test('is closed once, whoever asks', async () => {
    let times = 0;
    const scope = new Scope();
    scope.defer(() => {
      times += 1;
    });
    expect(scope.closed).toBe(false);
    await Promise.all([scope.close(), scope.close()]);
    expect([times, scope.closed]).toEqual([1, true]);
  });

  test('undoes at once what is added after the close, and reports its failure, too', async () => {
    const scope = new Scope();
    await scope.close();
    let undone = false;
    scope.defer(() => {
      undone = true;
      throw new Error('late');
    });
    expect(undone).toBe(true);
    expect(await scope.close()).toMatchObject([{ message: 'late' }]);
  });

  test('forgets what is taken back', async () => {
    const scope = new Scope();
    const done: string[] = [];
    const forget = scope.defer(() => done.push('forgotten'));
    scope.defer(() => done.push('kept'));
    forget();
    forget();
    await scope.close();
    expect(done).toEqual(['kept']);
  });
});
