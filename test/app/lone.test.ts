import { afterEach, describe, expect, test } from 'vitest';
import { endAll, start } from './program.js';

afterEach(endAll);

describe('a program of one function', () => {
  test('ends when the function has returned, and it is not run again', async () => {
    const { code, lines } = await start('ends-by-itself.mjs', ['returns', 'looks']).ended;
    expect(lines).toEqual(['run 1', '{"type":"completed"}']);
    expect(code).toBe(0);
  });

  test('runs it again when it has thrown', async () => {
    const { code, lines } = await start('ends-by-itself.mjs', ['crashes twice', 'looks']).ended;
    expect(lines).toEqual(['run 1', 'run 2', 'run 3', '{"type":"completed"}']);
    expect(code).toBe(0);
  });

  test('that gives up ends with code 1 and says why, although nobody looks at done', async () => {
    const { code, lines, stderr } = await start('ends-by-itself.mjs', ['always crashes']).ended;
    expect(lines).toEqual(['run 1', 'run 2', 'run 3']);
    expect(code).toBe(1);
    expect(stderr).toContain('TreeFailedError: The tree "root" has failed: gave up: 3 restarts');
    expect(stderr).toContain('the printer is on fire');
  });

  test('goes on running although nothing of it keeps the event loop busy', async () => {
    const program = start('waits-for-its-stop.mjs');
    await program.says(/^ready/);
    program.kill('SIGTERM');
    const { signal, lines } = await program.ended;
    expect(lines.at(-1)).toBe('stopped by SIGTERM');
    expect(signal).toBe('SIGTERM');
  });
});
