import { node } from '../contenders.js';
import type { Goal, Scenario } from '../scenario.js';

/**
 * What an import of an entry point loads, minified and gzipped, with its dependencies. The goal for `treewarden` is missed: see
 * `test/package/size.test.ts`, which holds what is reached.
 */
export function size(): readonly Scenario[] {
  return [sizeOf('index', { atMost: 15_000 }), sizeOf('child')];
}

function sizeOf(entry: string, goal?: Goal): Scenario {
  const name = entry === 'index' ? 'treewarden' : `treewarden/${entry}`;
  return {
    rounds: 1,
    contenders: { treewarden: node('size.mjs', entry) },
    figures: [
      { figure: `size of ${name}`, unit: 'bytes min+gzip', of: 'bytes' },
      {
        figure: `size of ${name}, loaded at import`,
        unit: 'bytes min+gzip',
        of: 'atImportBytes',
        ...(goal === undefined ? {} : { goal }),
      },
    ],
  };
}
