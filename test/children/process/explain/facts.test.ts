import { describe, expect, test } from 'vitest';
import { type ProcessFacts, parseFacts } from '../../../../src/children/process/explain/facts.js';

/** A pid that no process has, so that only what is given is read. */
const NOBODY = 2 ** 22 + 1;

const MASKS = { SigPnd: 0, ShdPnd: 0, SigBlk: 0, SigIgn: 0, SigCgt: 0 };

/** What the files of a process say, with these signal masks, about SIGTERM: bit 14. */
function factsOf(masks: Partial<typeof MASKS>, command = 'prog'): ProcessFacts {
  const lines = Object.entries({ ...MASKS, ...masks }).map(
    ([name, mask]) => `${name}:\t${mask.toString(16).padStart(16, '0')}`,
  );
  const status = [
    'Name:\tname',
    'Uid:\t7\t8\t9\t9',
    'TracerPid:\t3',
    'Threads:\t4',
    'NSpid:\t50\t1',
    ...lines,
  ];
  const stat = `${NOBODY} (a) name) S 11 12 13 0 -1 0 ${'0 '.repeat(12)}555 0 0`;
  return parseFacts({ pid: NOBODY, status: status.join('\n'), stat, command }, 'SIGTERM');
}

const TERM = 1 << 14;
const OTHERS = 0x7fffffff & ~TERM;

describe('what the files of a process say', () => {
  test('is read by name and place, whatever the process is called', () => {
    expect(factsOf({})).toMatchObject({
      parent: 11,
      group: 12,
      startTicks: 555,
      state: 'S',
      uid: 7,
      tracer: 3,
      threads: 4,
      pids: [50, 1],
    });
  });

  test.each([
    ['pending', 'SigPnd'],
    ['pending', 'ShdPnd'],
    ['blocked', 'SigBlk'],
    ['ignored', 'SigIgn'],
    ['caught', 'SigCgt'],
  ] as const)('a signal is %s by %s, and no other signal', (fact, mask) => {
    expect(factsOf({ [mask]: TERM })[fact]).toBe(true);
    expect(factsOf({ [mask]: OTHERS })[fact]).toBe(false);
  });

  test.each([
    ['/usr/bin/dash -c true', 'dash'],
    ['-bash', 'bash'],
    ['', 'a) name'],
  ])('the program of %j is %j where the file it runs is not shown', (command, program) => {
    expect(factsOf({}, command).program).toBe(program);
  });
});
