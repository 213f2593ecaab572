import { describe, expect, test } from 'vitest';
import { DeadlineError, DrainingError, StopRequestedError } from '../../src/core/index.js';
import { IncarnationContext, silentLogger } from '../../src/runtime/index.js';

function context(): { ctx: IncarnationContext; said: string[] } {
  const said: string[] = [];
  const ctx = new IncarnationContext({
    id: 'mail',
    path: 'shop/mail',
    incarnation: 3,
    log: silentLogger,
    ready: () => said.push('ready'),
    heartbeat: () => said.push('heartbeat'),
    fail: (reason) => said.push(`fail: ${(reason as Error).message}`),
    extend: (ms) => Math.min(ms, 100),
  });
  return { ctx, said };
}

const failures = (): never => {
  throw new Error('no hook fails here');
};

describe('a context', () => {
  test('says who it is, and hands on what the child says', () => {
    const { ctx, said } = context();
    expect([ctx.id, ctx.path, ctx.incarnation]).toEqual(['mail', 'shop/mail', 3]);
    ctx.ready();
    ctx.heartbeat();
    ctx.fail(new Error('x'));
    expect(ctx.extend(500)).toBe(100);
    expect(said).toEqual(['ready', 'heartbeat', 'fail: x']);
  });

  test('aborts its signal when the child is asked to stop, also for those who ask for it afterwards', () => {
    const early = context().ctx;
    const { signal } = early;
    expect(signal.aborted).toBe(false);
    early.closeIntake();
    expect(signal.reason).toBeInstanceOf(StopRequestedError);
    const late = context().ctx;
    late.closeIntake(new Error('fault'));
    expect(late.signal.reason).toMatchObject({ message: 'fault' });
    late.closeIntake(new Error('other'));
    expect(late.signal.reason).toMatchObject({ message: 'fault' });
  });

  test('aborts its deadline when the time is over, and its signal with it', () => {
    const { ctx } = context();
    const { deadline } = ctx;
    ctx.closeIntake();
    expect(deadline.aborted).toBe(false);
    ctx.passDeadline();
    expect(deadline.reason).toBeInstanceOf(DeadlineError);
    const late = context().ctx;
    late.passDeadline();
    expect([late.deadline.aborted, late.signal.aborted]).toEqual([true, true]);
  });

  test('drains once its critical sections are over, and lets no new one begin', async () => {
    const { ctx } = context();
    let finish: () => void = () => undefined;
    const section = ctx.critical(() => new Promise<void>((resolve) => (finish = resolve)));
    expect(ctx.busy).toBe(true);
    let drained = false;
    const draining = ctx.drain(failures)?.then(() => {
      drained = true;
    });
    await expect(ctx.critical(() => failures())).rejects.toBeInstanceOf(DrainingError);
    await new Promise((resolve) => setImmediate(resolve));
    expect(drained).toBe(false);
    finish();
    await Promise.all([section, draining]);
    expect(ctx.busy).toBe(false);
  });

  test('a critical section that throws is over, and its error goes to its caller', async () => {
    const { ctx } = context();
    await expect(ctx.critical(() => Promise.reject(new Error('inside')))).rejects.toThrow('inside');
    expect(await ctx.critical(() => 42)).toBe(42);
    await ctx.drain(failures);
  });

  test('runs drain hooks last registered first, to the end even if one fails', async () => {
    const { ctx } = context();
    const ran: string[] = [];
    const failed: unknown[] = [];
    ctx.onDrain(() => ran.push('first'));
    ctx.onDrain(async () => {
      await Promise.resolve();
      throw new Error('second fails');
    });
    ctx.onDrain(() => ran.push(`third, stopping: ${ctx.signal.aborted}`));
    await ctx.drain((error) => failed.push(error));
    expect(ran).toEqual(['third, stopping: true', 'first']);
    expect(failed).toMatchObject([{ message: 'second fails' }]);
  });

  test('undoes at its end what was deferred, and at once what is deferred afterwards', async () => {
    const { ctx, said } = context();
    const undone: string[] = [];
    expect(ctx.deferred).toBe(false);
    ctx.defer(() => undone.push('a'));
    ctx.defer(() => undone.push('b'));
    await ctx.release();
    expect(undone).toEqual(['b', 'a']);
    ctx.defer(() => undone.push('late'));
    expect(undone).toEqual(['b', 'a', 'late']);
    ctx.defer(() => Promise.reject(new Error('late failure')));
    await new Promise((resolve) => setImmediate(resolve));
    expect(said).toEqual(['fail: late failure']);
  });

  test('costs no promise to release where nothing was deferred', () => {
    expect(context().ctx.release()).toBeUndefined();
  });
});
