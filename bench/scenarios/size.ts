import { node } from '../contenders.js';
import type { Goal, Scenario } from '../scenario.js';

/** Everything reachable from an entry point, minified and gzipped, with its dependencies. */
export function size(): readonly Scenario[] {
  return [sizeOf('index', { atMost: 15_000 }), sizeOf('child')];
}

function sizeOf(entry: string, goal?: Goal): Scenario {
  const name = entry === 'index' ? 'treewarden' : `treewarden/${entry}`;
  return {
    rounds: 1,
    contenders: { treewarden: node('size.mjs', entry) },
    figures: [
      {
        figure: `size of ${name}`,
        unit: 'bytes min+gzip',
        of: 'bytes',
        ...(goal === undefined ? {} : { goal }),
      },
      { figure: `size of ${name}, loaded at import`, unit: 'bytes min+gzip', of: 'atImportBytes' },
    ],
  };
}
