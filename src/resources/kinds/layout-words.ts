import { cellParts } from '../cell/layout.js';
import { lockParts } from '../locks/layout.js';
import { boardParts } from '../scoreboard/layout.js';

/** What the first 16 bytes of shared state say, in words. */
export interface LayoutParts {
  readonly kind: string;
  readonly version: number;
  /** What all users have to agree on, in an order that all of a kind have. */
  readonly parts: readonly LayoutPart[];
}

/** One number of a header, and how it is told when it is not the one that was asked for. */
export interface LayoutPart {
  readonly value: number;
  readonly found: string;
  readonly asked: string;
}

/** In what two headers differ: the kind, else the version of its layout, else the settings it was made with. */
export function layoutDifference(
  found: Buffer,
  asked: Buffer,
): { readonly found: string; readonly asked: string } {
  const there = partsOf(found);
  const wanted = partsOf(asked);
  if (there === undefined) return { found: UNKNOWN, asked: wanted === undefined ? OTHER : stateOf(wanted) };
  if (there.kind !== wanted?.kind)
    return { found: stateOf(there), asked: wanted === undefined ? OTHER : `that of a ${wanted.kind}` };
  if (there.version !== wanted.version)
    return { found: `version ${there.version} of its layout`, asked: `version ${wanted.version}` };
  const differing = there.parts
    .map((part, at) => ({ found: part, asked: wanted.parts[at] ?? part }))
    .filter((pair) => pair.found.value !== pair.asked.value);
  if (differing.length === 0) return { found: UNKNOWN, asked: stateOf(wanted) };
  return {
    found: differing.map((pair) => pair.found.found).join(' and '),
    asked: differing.map((pair) => pair.asked.asked).join(' and '),
  };
}

const UNKNOWN = 'something that is no shared state of treewarden';
const OTHER = 'what was asked for';

function partsOf(header: Buffer): LayoutParts | undefined {
  return lockParts(header) ?? cellParts(header) ?? boardParts(header);
}

function stateOf({ kind }: LayoutParts): string {
  return `the state of a ${kind}`;
}
