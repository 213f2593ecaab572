import { describe, expect, test } from 'vitest';
import { readArguments } from '../../../src/cli/arguments.js';
import { resume } from '../../../src/cli/commands/continue.js';
import { down } from '../../../src/cli/commands/down.js';
import { events } from '../../../src/cli/commands/events.js';
import { explain } from '../../../src/cli/commands/explain.js';
import { logs } from '../../../src/cli/commands/logs.js';
import { once } from '../../../src/cli/commands/once.js';
import { signal } from '../../../src/cli/commands/signal.js';
import { status } from '../../../src/cli/commands/status.js';
import { top } from '../../../src/cli/commands/top.js';
import { up } from '../../../src/cli/commands/up.js';
import { wait } from '../../../src/cli/commands/wait.js';
import { Complaint } from '../../../src/cli/complaint.js';
import type { TreeCommand } from '../../../src/cli/tree-command.js';
import type { StopObstacle } from '../../../src/core/index.js';
import { FakeClient, node } from '../fake-client.js';
import { Paper } from '../paper.js';

interface Asked {
  readonly code: number;
  readonly said: readonly string[];
  readonly asked: readonly string[];
}

async function ask(
  command: Pick<TreeCommand, 'ask' | 'options' | 'operands'>,
  args: readonly string[] = [],
  client: FakeClient = new FakeClient(),
  paper: Paper = new Paper(),
): Promise<Asked> {
  const code = await command.ask(client, readArguments(args, command), paper);
  return { code, said: paper.said, asked: client.asked };
}

async function complaint(command: TreeCommand, ...args: readonly string[]): Promise<[number, string]> {
  const error: unknown = await ask(command, args).catch((thrown: unknown) => thrown);
  return error instanceof Complaint ? [error.exitCode, error.message] : [0, String(error)];
}

const IGNORES: StopObstacle = {
  verdict: 'ignored',
  pid: 12,
  command: 'mail --all',
  why: 'It ignores SIGTERM.',
  advice: 'Give it another stopSignal.',
};

describe('status', () => {
  test('is a table of the tree, with what is worth saying of each', async () => {
    expect((await ask(status)).said).toEqual([
      'TREE       STATE  PID     UP FOR  RESTARTS      RSS  NOTE',
      'shop       ready    1  1 h 1 min',
      '  mail     ready   12  1 min 1 s         2  3.0 MiB',
      '  workers  ready       1 h 1 min',
      '    hash   ready   34     900 ms',
      '    old    down                                      exited with code 3',
    ]);
  });

  test('never has a line that is longer than the terminal, and cuts long ids in the middle', async () => {
    const id = `a-${'very-'.repeat(20)}long-id`;
    const client = new FakeClient(
      node('shop', { children: [node(`shop/${id}`, { pid: 4_194_304, upMs: 1 })] }),
    );
    for (const width of [120, 80, 60, 40, 30]) {
      const { said } = await ask(status, [], client, new Paper(width));
      expect(said.every((line) => line.length <= width)).toBe(true);
      expect(said[2]).toMatch(width === 120 ? /a-very-/ : /^ {2}a-v.*….*id /);
    }
  });

  test('is one document for programs, of a branch as of the whole', async () => {
    const { said } = await ask(status, ['--json', 'workers']);
    expect(JSON.parse(said.join('\n'))).toMatchObject({
      path: 'shop/workers',
      children: [{ id: 'hash' }, { id: 'old' }],
    });
  });

  test('lists paths for scripts', async () => {
    expect((await ask(status, ['--paths'])).said).toEqual(['mail', 'workers', 'workers/hash', 'workers/old']);
  });

  test('shows nothing of what a name or a command line would do to a terminal', async () => {
    const client = new FakeClient(node('shop', { children: [node('shop/a\u001b[2Jb\u0007', {})] }));
    const { said } = await ask(status, [], client);
    expect([...said.join('')].filter((letter) => letter < ' ')).toEqual([]);
  });
});

describe('a child', () => {
  test.each([[['mail']], [['shop/mail']]])('is named with or without the root: %j', async (args) => {
    expect((await ask(up, args)).asked).toEqual(['up shop/mail']);
  });

  test('need not be named where there is only one', async () => {
    const client = new FakeClient(node('shop', { children: [node('shop/main')] }));
    expect((await ask(once, [], client)).asked).toEqual(['up shop/main once']);
  });

  test.each<[TreeCommand, string[], number, RegExp]>([
    [up, ['mial'], 5, /There is no child "mial" in "shop"\. Did you mean "mail"\?/],
    [up, ['hash'], 5, /Did you mean "workers\/hash"\?/],
    [up, ['xyz'], 5, /There are: mail, workers, workers\/hash, workers\/old\./],
    [up, [], 2, /Which child of "shop"\? There are: mail/],
    [down, ['mail', 'shop/mail'], 2, /"mail" is given twice/],
    [signal, ['HPU', 'mail'], 2, /There is no signal "HPU"\. Did you mean HUP\?/],
    [down, ['--all', 'mail'], 2, /leave out the names/],
  ])('that is wrong is told before anything is done', async (command, args, code, message) => {
    expect(await complaint(command, ...args)).toEqual([code, expect.stringMatching(message)]);
    expect((await ask(command, args).catch(() => ({ asked: [] }))).asked).toEqual([]);
  });
});

describe('steering', () => {
  test('goes child by child, and says how each went', async () => {
    const { said, asked, code } = await ask(down, ['workers/hash', 'mail']);
    expect(asked).toEqual(['down shop/workers/hash', 'down shop/mail']);
    expect(said).toEqual(['workers/hash: down after 1 s', 'mail: down after 1 s']);
    expect(code).toBe(0);
  });

  test('says why a child had to be killed, and what to do about it', async () => {
    const client = new FakeClient();
    client.obstacles = [IGNORES];
    expect((await ask(down, ['mail'], client)).said).toEqual([
      'mail: killed after 1 s',
      '  ignored (pid 12, mail --all)',
      '    It ignores SIGTERM.',
      '    Give it another stopSignal.',
    ]);
  });

  test('answers in JSON, one for each child', async () => {
    const { said } = await ask(up, ['--json', 'mail', 'workers/old']);
    expect(JSON.parse(said.join('\n'))).toMatchObject([{ path: 'shop/mail' }, { path: 'shop/workers/old' }]);
  });

  test.each(['HUP', 'SIGHUP', 'hup', '1'])('sends a signal by any of its names: %s', async (name) => {
    expect((await ask(signal, [name, 'mail'])).asked).toEqual(['SIGHUP shop/mail']);
  });

  test('lets children go on by the word for it', async () => {
    expect(resume.name).toBe('continue');
    expect((await ask(resume, ['mail'])).asked).toEqual(['continue shop/mail']);
  });

  test('stops the whole tree only by --all', async () => {
    expect((await ask(down, ['--all'])).asked).toEqual(['stop']);
  });

  test('has failed where one has outlived its kill, and says which and why', async () => {
    const client = new FakeClient();
    const report = await client.stop();
    const survivor = { child: 'shop/mail', incarnation: 1, kind: 'process', pid: 12, command: 'mail' };
    const survivors = [{ ...survivor, why: 'it waits', obstacles: undefined }];
    client.stop = async () => ({ ...report, survivors });
    const paper = new Paper();
    expect((await ask(down, ['--all', '--json'], client, paper)).code).toBe(1);
    expect(JSON.parse(paper.said.join('\n'))).toMatchObject({ tookMs: 5, survivors: [survivor] });
    expect(paper.complained).toEqual(['treewarden: shop/mail has outlived its kill (pid 12): it waits']);
  });
});

describe('waiting', () => {
  test('is for the tree where no child is named, until it is ready', async () => {
    expect((await ask(wait)).asked).toEqual(['wait shop ready']);
    expect((await ask(wait, ['--down', 'mail'])).asked).toEqual(['wait shop/mail down']);
  });

  test('is for one state, and as long as it is said', async () => {
    expect(await complaint(wait, '--ready', '--down')).toEqual([2, 'Either --ready or --down.']);
    const client = new FakeClient();
    const limits: unknown[] = [];
    client.wait = async (path, _until, options?: object) => {
      limits.push(options);
      return node(path);
    };
    await ask(wait, ['--timeout', '3s'], client);
    expect(limits).toEqual([{ timeoutMs: 3000 }]);
  });
});

describe('explain', () => {
  test('says what is seen and what to do, and that nothing is', async () => {
    const client = new FakeClient();
    client.obstacles = [IGNORES];
    expect((await ask(explain, ['mail'], client)).said).toEqual([
      'mail: is not asked to end; what would stand in its way:',
      'ignored (pid 12, mail --all)',
      '  It ignores SIGTERM.',
      '  Give it another stopSignal.',
    ]);
    expect((await ask(explain, ['mail'])).said).toEqual(['mail: nothing is seen that stands in its way']);
    expect((await ask(explain)).said).toEqual(['Nothing in "shop" is being stopped.']);
  });
});

describe('streams', () => {
  test('have a line for each thing, after its path where there are several', async () => {
    const client = new FakeClient();
    const line = {
      child: 'shop/workers/hash',
      incarnation: 1,
      stream: 'stdout',
      text: 'done',
      atMs: 1,
    } as const;
    client.lines = [line, { ...line, missed: 7 }];
    expect((await ask(logs, [], client)).said).toEqual([
      'workers/hash | done',
      '… 7 lines were missed',
      'workers/hash | done',
    ]);
    expect((await ask(logs, ['workers/hash'], client)).said[0]).toBe('done');
    const { said } = await ask(logs, ['--json'], client);
    expect(said.map((each) => JSON.parse(each))).toEqual([line, { ...line, missed: 7 }]);
  });

  test('end when nobody reads them any more', async () => {
    const client = new FakeClient();
    const line = { child: 'shop/mail', incarnation: 1, stream: 'stdout', text: 'x', atMs: 1 } as const;
    client.lines = [line, line, line];
    const paper = new Paper();
    paper.isRead = false;
    expect((await ask(logs, [], client, paper)).said).toHaveLength(1);
  });

  test('tell events with the time on the clock at which they happened', async () => {
    const client = new FakeClient();
    client.told = [
      { type: 'child:ready', child: 'shop/mail', incarnation: 2, atMs: 3000, tookMs: 12, pid: 7 },
      { type: 'child:restarting', child: 'shop/mail', atMs: 3000, failures: 2, delayMs: 150 },
    ];
    expect((await ask(events, ['-f'], client)).said).toEqual([
      expect.stringMatching(/^\d\d:\d\d:03 {2}mail {2}ready after 12 ms \(pid 7\)$/),
      expect.stringMatching(/restarting in 150 ms$/),
    ]);
  });
});

test('log files are opened anew, of a branch or of all', async () => {
  expect(await ask(logs, ['--reopen', 'workers'])).toMatchObject({
    asked: ['reopen shop/workers'],
    said: ['2 opened anew'],
  });
});

test('top prints the tree once where there is no terminal', async () => {
  const { said, code } = await ask(top);
  expect([said.length, code]).toEqual([6, 0]);
});
