import { expect, test } from 'vitest';
import type { Command } from '../../src/cli/command.js';
import { runProgram } from '../../src/cli/program.js';
import { Paper } from './paper.js';

const COMMANDS: readonly Command[] = [
  {
    name: 'greet',
    summary: 'greet somebody',
    options: {
      name: { type: 'string', value: 'name', summary: 'whom' },
      loud: { type: 'boolean', summary: 'shout' },
    },
    async run(values, terminal) {
      const greeting = `hello ${values.text('name') ?? 'you'}`;
      terminal.say(values.has('loud') ? greeting.toUpperCase() : greeting);
      return 0;
    },
  },
  {
    name: 'fail',
    summary: 'fail',
    options: {},
    run: () => Promise.reject(new Error('it rained')),
  },
];

async function run(...args: readonly string[]): Promise<{ code: number; said: string; complained: string }> {
  const paper = new Paper();
  const code = await runProgram(args, COMMANDS, paper);
  return { code, said: paper.said.join('\n'), complained: paper.complained.join('\n') };
}

test('a command is given its options', async () => {
  expect(await run('greet', '--name', 'ada', '--loud')).toEqual({
    code: 0,
    said: 'HELLO ADA',
    complained: '',
  });
  expect((await run('greet', '--name=bob')).said).toBe('hello bob');
});

test.each([
  [['gret'], /There is no command "gret"\. Did you mean "greet"\?/],
  [['wave'], /There is no command "wave"\. There are: greet, fail\./],
  [['--loud'], /There is no option --loud before the command/],
  [['greet', '--nmae', 'x'], /There is no option --nmae\. Did you mean --name\?/],
  [['greet', '-x'], /There is no option -x\./],
  [['greet', '--name'], /--name needs a value: --name <name>\./],
  [['greet', '--loud=yes'], /--loud is a switch and takes no value/],
  [['greet', 'ada'], /"ada" is one argument too many/],
])('%j is refused with what was probably meant, and exit code 2', async (args, complaint) => {
  const { code, said, complained } = await run(...args);
  expect([code, said]).toEqual([2, '']);
  expect(complained).toMatch(complaint);
});

test('a name of every object is no option', async () => {
  expect((await run('greet', '--toString')).complained).toMatch(/There is no option --toString/);
});

test('a command that fails is told on stderr, with exit code 1', async () => {
  expect(await run('fail')).toEqual({ code: 1, said: '', complained: 'treewarden: it rained' });
});

test('help lists every command, its options, and what the exit codes mean', async () => {
  for (const args of [['--help'], ['help']]) {
    const { code, said } = await run(...args);
    expect(code).toBe(0);
    expect(said).toMatch(/greet +greet somebody\n +fail +fail/);
    expect(said).toMatch(/ 3 +something was found/);
  }
  for (const args of [
    ['greet', '--help'],
    ['help', 'greet'],
  ]) {
    expect((await run(...args)).said).toMatch(
      /Usage: treewarden greet \[--name <name>\] \[--loud\] \[--help\]/,
    );
  }
});

test('without a command the help goes to stderr, with exit code 2', async () => {
  const { code, said, complained } = await run();
  expect([code, said]).toEqual([2, '']);
  expect(complained).toMatch(/Usage: treewarden <command>/);
});
