import { describe, expect, test } from 'vitest';
import { command, consumer, fork, task, thread } from '../../src/children/index.js';
import {
  type ChildSettings,
  constantBackoff,
  InvalidSpecError,
  type SpecRule,
  type SupervisorSettings,
} from '../../src/core/index.js';
import { type ChildSpec, dynamic, supervisor } from '../../src/runtime/index.js';

const driver = { start: () => ({ drain() {}, stop() {}, kill() {} }) };
const good: ChildSpec = { id: 'a', kind: 'fake', driver };

function faultOf(run: () => unknown): InvalidSpecError {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidSpecError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe("a supervisor's settings", () => {
  test.each<[SpecRule, string, object]>([
    ['invalid_strategy', 'strategy', { strategy: 'two_for_one' }],
    ['invalid_strategy', 'strategy', { strategy: null }],
    ['invalid_intensity', 'intensity', { intensity: -1 }],
    ['invalid_intensity', 'intensity', { intensity: 1.5 }],
    ['invalid_intensity', 'intensity', { intensity: '3' }],
    ['invalid_intensity', 'intensity', { intensity: Number.NaN }],
    ['invalid_period', 'periodMs', { periodMs: 0 }],
    ['invalid_period', 'periodMs', { periodMs: Number.POSITIVE_INFINITY }],
    ['invalid_auto_shutdown', 'autoShutdown', { autoShutdown: 'maybe' }],
    ['invalid_give_up_as', 'giveUpAs', { giveUpAs: 'crash' }],
    ['invalid_stop_order', 'stopOrder', { stopOrder: 'random' }],
    ['invalid_backoff', 'backoff', { backoff: 500 }],
    ['invalid_backoff', 'backoff.capMs', { backoff: constantBackoff(5, { capMs: -1 }) }],
    ['invalid_child_spec', 'children', { children: 'a, b' }],
  ])('%s names %s', (rule, field, settings) => {
    expect(faultOf(() => supervisor('s', settings as SupervisorSettings))).toMatchObject({
      code: 'INVALID_SPEC',
      rule,
      field,
    });
  });

  test('an infinite intensity is valid', () => {
    expect(supervisor('s', { intensity: Number.POSITIVE_INFINITY }).policy.intensity).toBe(
      Number.POSITIVE_INFINITY,
    );
  });

  test('are checked before the children, and the first wrong one is told', () => {
    const children = [{ ...good, id: '' }];
    expect(faultOf(() => supervisor('s', { strategy: 'x', intensity: -1, children } as never)).rule).toBe(
      'invalid_strategy',
    );
  });

  test('an empty list of children is valid, a list with two of one id is not', () => {
    expect(supervisor('s').children).toEqual([]);
    expect(faultOf(() => supervisor('s', { children: [good, { ...good }] }))).toMatchObject({
      rule: 'duplicate_child_name',
      value: 'a',
    });
  });
});

describe("a child's spec", () => {
  test.each<[SpecRule, string, unknown]>([
    ['invalid_child_spec', 'the child', 'hello'],
    ['invalid_child_spec', 'the child', null],
    ['invalid_child_spec', 'the child', [good]],
    ['missing_id', 'id', { kind: 'fake', driver }],
    ['invalid_id', 'id', { ...good, id: 'a/b' }],
    ['invalid_id', 'id', { ...good, id: '' }],
    ['invalid_id', 'id', { ...good, id: 7 }],
    ['missing_start', 'driver', { id: 'a', kind: 'fake' }],
    ['invalid_start', 'driver', { ...good, driver: 'node' }],
    ['invalid_restart_type', 'restart', { ...good, restart: 'sometimes' }],
    ['bad_combination', 'significant', { ...good, significant: true, restart: 'transient' }],
    ['invalid_significant', 'significant', { ...good, significant: 'yes', restart: 'transient' }],
    ['invalid_child_type', 'kind', { ...good, kind: 7 }],
    ['invalid_shutdown', 'shutdown', { ...good, shutdown: -1 }],
    ['invalid_shutdown', 'shutdown', { ...good, shutdown: 'later' }],
    ['invalid_shutdown', 'shutdown', { ...good, shutdown: 2 ** 31 }],
    ['invalid_duration', 'drainMs', { ...good, drainMs: -5 }],
    ['invalid_duration', 'startTimeoutMs', { ...good, startTimeoutMs: 0 }],
    ['invalid_duration', 'stallAfterMs', { ...good, stallAfterMs: Number.NaN }],
    ['invalid_ready', 'ready', { ...good, ready: 'soon' }],
    ['invalid_ready', 'ready.port', { ...good, ready: { port: 70_000 } }],
    ['invalid_ready', 'ready.line', { ...good, ready: { line: 4 } }],
    ['invalid_ready', 'ready.host', { ...good, ready: { port: 1, host: 7 } }],
    ['invalid_duration', 'ready.everyMs', { ...good, ready: { probe: () => true, everyMs: 0 } }],
    ['invalid_survivor', 'survivor', { ...good, survivor: 'ignore' }],
    ['invalid_option', 'preventOn', { ...good, preventOn: 78 }],
    ['invalid_option', 'preventOn', { ...good, preventOn: [256] }],
    ['invalid_option', 'forceOn', { ...good, forceOn: ['sigterm'] }],
    ['invalid_option', 'slowDownOn', { ...good, slowDownOn: ['TERM'] }],
    ['invalid_option', 'giveUpOn', { ...good, giveUpOn: { on: [1], count: 3, withinMs: 5 } }],
    ['invalid_option', 'giveUpOn', { ...good, giveUpOn: [{ on: [1], count: 3 }] }],
    ['invalid_option', 'giveUpOn', { ...good, giveUpOn: [{ on: [1], count: 0, withinMs: 5 }] }],
    ['invalid_option', 'giveUpOn', { ...good, giveUpOn: [{ on: [1], count: 1, withinMs: 0 }] }],
    ['invalid_option', 'afterExit', { ...good, afterExit: 'finish' }],
    ['invalid_duration', 'afterExitMs', { ...good, afterExitMs: -1 }],
  ])('%s names %s', (rule, field, child) => {
    expect(faultOf(() => supervisor('s', { children: [child as ChildSpec] }))).toMatchObject({ rule, field });
  });

  test('0 ms to shut down is valid, as in OTP', () => {
    expect(supervisor('s', { children: [{ ...good, shutdown: 0 }] }).children).toHaveLength(1);
  });

  test('significant and permanent do not go together, whatever the supervisor does', () => {
    const options = { autoShutdown: 'any_significant', children: [{ ...good, significant: true }] } as const;
    expect(faultOf(() => supervisor('s', options)).expected).toContain('permanent');
  });

  test('the message says whose, which field, the value and what would do', () => {
    const wrong: ChildSettings & ChildSpec = { ...good, shutdown: -1 };
    expect(faultOf(() => supervisor('s', { children: [wrong] })).message).toBe(
      'The spec of "a" is not valid: shutdown is -1, but must be a whole number of ms from 0 to 2147483647, ' +
        "'brutal_kill' or 'infinity'.",
    );
  });
});

describe("a dynamic supervisor's settings", () => {
  test('maxChildren is a whole number from 1', () => {
    for (const maxChildren of [0, -1, 1.5, '3']) {
      expect(faultOf(() => dynamic('d', good, { maxChildren } as never)).rule).toBe('invalid_max_children');
    }
  });

  test('the template is one spec, or a function that returns one', () => {
    expect(faultOf(() => dynamic('d', [good, good] as never)).rule).toBe('bad_start_spec');
    expect(faultOf(() => dynamic('d', undefined as never)).rule).toBe('bad_start_spec');
  });
});

describe('a misspelt option', () => {
  test.each<[string, () => unknown]>([
    ['supervisor', () => supervisor('s', { intesity: 3 } as never)],
    ['dynamic', () => dynamic('d', good, { strategy: 'one_for_all' } as never)],
    ['task', () => task('t', async () => undefined, { restrat: 'temporary' } as never)],
    ['consumer', () => consumer('c', async () => undefined, { onClose: () => undefined } as never)],
    ['command', () => command('p', 'true', [], { shutdwon: 5 } as never)],
    ['fork', () => fork('f', './f.js', { workerData: 5 } as never)],
    ['thread', () => thread('h', './h.js', { cwd: '/' } as never)],
  ])('of a %s is refused, since it would be without effect', (_, make) => {
    expect(faultOf(make)).toMatchObject({ rule: 'invalid_option' });
  });

  test.each<[string, () => unknown]>([
    ['supervisor', () => supervisor('s', null as never)],
    ['task', () => task('t', async () => undefined, null as never)],
    ['consumer', () => consumer('c', async () => undefined, null as never)],
    ['consumer without a consumer', () => consumer('c', null as never)],
    ['task with a symbol for an id', () => task(Symbol('t') as never, async () => undefined)],
  ])('%s: nonsense is refused by name', (_, make) => {
    expect(faultOf(make).code).toBe('INVALID_SPEC');
  });
});

test('what is done to the list of children afterwards changes nothing', () => {
  const children: ChildSpec[] = [good];
  const spec = supervisor('s', { children });
  children.push(spec);
  expect(spec.children).toEqual([good]);
});
