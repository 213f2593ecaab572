import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { entry, entryPath } from '../../../src/children/channel/entry.js';
import { inheritedFlags, threadUrl } from '../../../src/children/channel/entry-launch.js';
import { InvalidSpecError } from '../../../src/core/index.js';

const here = join(process.cwd(), 'program.js');

test.each([
  ['a relative path, from the working directory', 'program.js'],
  ['an absolute path', here],
  ['a file: URL', pathToFileURL(here)],
  ['the text of a file: URL', pathToFileURL(here).href],
  ['a typed entry', entry<object>(pathToFileURL(here))],
])('an entry may be %s', (_, given) => {
  expect(entryPath('"x"', given)).toBe(here);
});

test.each([['', 'a\0b', null, 7, {}, new URL('data:text/javascript,1'), { where: 7 }]])(
  'an entry may not be %o',
  (...given) => {
    for (const value of given) expect(() => entryPath('"x"', value as never)).toThrow(InvalidSpecError);
  },
);

test.each([
  [['--inspect'], []],
  [['--inspect-brk=9230', '--no-warnings'], ['--no-warnings']],
  [['--inspect-port', '0', '--inspect-wait', '--inspect-publish-uid=http'], []],
  [['--debug-port=5858'], []],
  [['-e', 'supervise()'], []],
  [['--eval', 'supervise()', '--input-type=module', '--no-warnings'], ['--no-warnings']],
  [['-pe', '1 + 1'], []],
  [['--watch', '--watch-path', 'src', '--test'], []],
  [
    ['--import', 'tsx', '--require', './preflight.cjs'],
    ['--import', 'tsx', '--require', './preflight.cjs'],
  ],
  [
    ['--conditions', 'development', '--max-old-space-size=64'],
    ['--conditions', 'development', '--max-old-space-size=64'],
  ],
  [
    ['--enable-source-maps', '--experimental-import-meta-resolve'],
    ['--enable-source-maps', '--experimental-import-meta-resolve'],
  ],
])('of the flags %j a fork takes over %j', (flags, inherited) => {
  expect(inheritedFlags(flags)).toEqual(inherited);
});

test('a thread loads JavaScript directly', () => {
  expect(threadUrl(here, ['--import', 'tsx'])).toEqual(pathToFileURL(here));
});
