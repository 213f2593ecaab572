import { describe, expect, test } from 'vitest';
import { type Progress, ProgressMeter } from '../../examples/main-job/progress.js';
import { type Screen, screenOn } from '../../examples/main-job/screen.js';
import { logLine, render } from '../../examples/main-job/view.js';
import type { Snapshot } from '../../src/index.js';

function node(id: string, more: Partial<Snapshot> = {}): Snapshot {
  return {
    id,
    path: id,
    kind: 'task',
    status: 'ready',
    restart: 'permanent',
    incarnation: 1,
    restarts: 0,
    ...more,
  };
}

const TREE = node('main-job', {
  kind: 'supervisor',
  children: [
    node('queue'),
    node('consumers', {
      kind: 'supervisor',
      children: [
        node('fork-a', {
          kind: 'fork',
          status: 'waiting',
          incarnation: 3,
          restarts: 2,
          lastExit: {
            child: 'main-job/consumers/fork-a',
            incarnation: 3,
            exit: { type: 'signal', signal: 'SIGKILL' },
            atMs: 0,
            ranMs: 10,
            asked: false,
          },
        }),
        node('fork-b', { kind: 'fork', pid: 4242 }),
      ],
    }),
  ],
});

const PROGRESS: Progress = { total: 2000, done: 500, perSecond: 250, leftMs: 6000, elapsedMs: 2000 };
const SCENE = { tree: TREE, progress: PROGRESS };
const PLAIN = { columns: 100, colour: false };

describe('the view', () => {
  test('shows the tree with state, restarts, incarnation, process and last exit, and a bar with rate and time left', () => {
    expect(render(SCENE, ['fork-a #3: SIGKILL'], PLAIN)).toEqual([
      'main-job      ready                supervisor',
      '├─ queue      ready                task #1',
      '└─ consumers  ready                supervisor',
      '   ├─ fork-a  waiting  2 restarts  fork #3               last: SIGKILL',
      '   └─ fork-b  ready                fork #1     pid 4242',
      '██████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  25 %  500 of 2,000 jobs  250/s  6.0 s left',
      'fork-a #3: SIGKILL',
    ]);
  });

  test.each([10, 20, 30, 40, 60, 80, 200])('fits %i columns', (columns) => {
    const long = 'x'.repeat(300);
    for (const line of render(SCENE, [long], { columns, colour: false })) {
      expect(line.length).toBeLessThanOrEqual(columns);
    }
  });

  test('a narrow terminal keeps the names and loses the columns on the right', () => {
    const [, , , fork] = render(SCENE, [], { columns: 30, colour: false });
    expect(fork).toContain('fork-a');
    expect(fork).toContain('waiting');
    expect(fork).not.toContain('SIGKILL');
  });

  test('colours change no character', () => {
    const coloured = render(SCENE, ['news'], { ...PLAIN, colour: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for.
    expect(coloured.map((line) => line.replaceAll(/\u001b\[\d+m/g, '').trimEnd())).toEqual(
      render(SCENE, ['news'], PLAIN),
    );
    expect(coloured.join('')).toContain('\u001b[32m');
  });

  test('an empty queue is wholly done', () => {
    const lines = render({ tree: TREE, progress: { ...PROGRESS, total: 0, done: 0 } }, [], PLAIN);
    expect(lines.at(-1)).toContain('100 %  0 of 0 jobs');
  });

  test('a log gets all of it in one line', () => {
    expect(logLine(SCENE)).toBe(
      '  2.0 s  25 %  500 of 2,000 jobs  250/s  6.0 s left  2 restarts  fork-a waiting',
    );
  });
});

interface Shown {
  readonly screen: Screen;
  /** What was written since it was last asked. */
  readonly take: () => string;
}

function shownOn(isTTY: boolean, env: NodeJS.ProcessEnv = {}): Shown {
  let written = '';
  const write = (text: unknown): boolean => {
    written += String(text);
    return true;
  };
  const take = (): string => {
    const taken = written;
    written = '';
    return taken;
  };
  return { screen: screenOn({ write, isTTY, columns: 80, rows: 24 }, env), take };
}

describe('a screen', () => {
  test('redraws in place on a terminal; what was said stays above, and the cursor comes back', () => {
    const { screen, take } = shownOn(true);
    expect(take()).toBe('\u001b[?25l');
    screen.show(SCENE, 0);
    expect(take().split('\n')).toHaveLength(7);
    screen.say('hello');
    expect(take().startsWith('\u001b[6A\r\u001b[Jhello\nmain-job')).toBe(true);
    screen.close();
    expect(take()).toBe('\u001b[?25h');
  });

  test.each([
    ['NO_COLOR is set', { NO_COLOR: '1' }, false],
    ['NO_COLOR is empty', { NO_COLOR: '' }, true],
    ['nothing is said', {}, true],
  ])('is coloured on a terminal as the user wishes: %s', (_, env, coloured) => {
    const { screen, take } = shownOn(true, env);
    screen.show(SCENE, 0);
    expect(take().includes('\u001b[32m')).toBe(coloured);
  });

  test('shows at most as many lines as the terminal has, the newest news last', () => {
    const { screen, take } = shownOn(true);
    for (let index = 1; index <= 9; index += 1) screen.news(`news ${index}`);
    screen.show(SCENE, 0);
    const lines = take().trimEnd().split('\n');
    expect(lines.slice(-4)).toEqual(
      ['news 6', 'news 7', 'news 8', 'news 9'].map((it) => expect.stringContaining(it)),
    );
    expect(lines.length).toBeLessThan(24);
  });

  test.each([
    ['a pipe', false, {}],
    ['a dumb terminal', true, { TERM: 'dumb' }],
  ])('writes to %s a line a second without any control character', (_, isTTY, env) => {
    const { screen, take } = shownOn(isTTY, env);
    screen.show(SCENE, 0);
    screen.show(SCENE, 500);
    screen.show(SCENE, 1000);
    screen.news('something happened');
    screen.close();
    const text = take();
    expect(text.split('\n')).toEqual([logLine(SCENE), logLine(SCENE), 'something happened', '']);
    expect(text).not.toContain('\u001b');
  });
});

describe('the progress', () => {
  test('has the rate of the last three seconds and the time that is left at that rate', () => {
    const meter = new ProgressMeter(1000);
    meter.note(0, 0);
    meter.note(100, 1000);
    expect(meter.now).toEqual({ total: 1000, done: 100, perSecond: 100, leftMs: 9000, elapsedMs: 1000 });
    for (let second = 2; second <= 6; second += 1) meter.note(100 + (second - 1) * 50, second * 1000);
    expect(meter.now.perSecond).toBe(50);
  });

  test('does not count as its own speed what an earlier run has done', () => {
    const meter = new ProgressMeter(1000);
    meter.note(900, 5000);
    expect(meter.now).toMatchObject({ done: 900, perSecond: 0, leftMs: undefined, elapsedMs: 0 });
    meter.note(910, 6000);
    expect(meter.now.perSecond).toBe(10);
  });
});
