import { expect, test } from 'vitest';
import { Narration } from '../../../src/cli/run/narration.js';
import type { Style, Terminal } from '../../../src/cli/terminal.js';
import { describeExit } from '../../../src/core/index.js';

test('a line about the whole program leaves no gap where a path would be, in colours too', () => {
  const lines: string[] = [];
  const terminal: Pick<Terminal, 'complain' | 'paintComplaint'> = {
    complain: (...texts) => void lines.push(...texts),
    paintComplaint: (style: Style, text: string) => `<${style}>${text}</>`,
  };
  // Safe: nothing else of it is used.
  const narration = new Narration(terminal as Terminal, describeExit);
  narration.say('', 'SIGINT: stopping');
  narration.say('shop/mail', 'paused');
  expect(lines).toEqual([
    expect.stringMatching(/^<dim>[\d:]{8}<\/> {2}SIGINT: stopping$/),
    expect.stringMatching(/^<dim>[\d:]{8}<\/> {2}<bold>shop\/mail<\/> {2}paused$/),
  ]);
});
