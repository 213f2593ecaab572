import { createHash } from 'node:crypto';
import type { ResourceProvider, Scope } from '../../runtime/index.js';

/**
 * The registry of a tree that was given none, or of a program that nobody supervises: opened once, closed with the tree, or released when the
 * process exits. A name that no scope can have is turned into one.
 */
export function standaloneProvider(name: string, tree: Scope | undefined): Promise<ResourceProvider> {
  const known = tree === undefined ? own().ofProcess : own().ofTree.get(tree);
  if (known !== undefined) return known;
  const opening = open(name);
  remember(tree, opening);
  // The next one tries again.
  opening.catch(() => remember(tree, undefined));
  tree?.defer(() =>
    opening.then(
      (registry) => registry.close(),
      () => undefined,
    ),
  );
  return opening;
}

/** @internal The scope that stands for a tree's name: the name itself, if it can be one. */
export function scopeNamed(name: string): string {
  if (/^[A-Za-z0-9][\w-]{0,47}$/.test(name)) return name;
  const readable = name.replace(/[^\w-]+/g, '-').replace(/^[-_]+/, '');
  // Names that differ only in what cannot be written stay apart.
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${readable.slice(0, 39)}${readable === '' ? '' : '-'}${digest}`;
}

type Opening = Promise<ResourceProvider & { close(): Promise<void> }>;

interface Standalone {
  readonly ofTree: WeakMap<Scope, Opening>;
  ofProcess: Opening | undefined;
}

/** Loaded late: a child that only attaches to what its supervisor's process owns needs none of it. */
async function open(name: string): Opening {
  const { ResourceRegistry } = await import('./registry.js');
  return ResourceRegistry.open({ scope: scopeNamed(name) });
}

function remember(tree: Scope | undefined, opening: Opening | undefined): void {
  if (tree === undefined) own().ofProcess = opening;
  else if (opening === undefined) own().ofTree.delete(tree);
  else own().ofTree.set(tree, opening);
}

/** The package may be loaded in both module formats; a process has one registry all the same. */
function own(): Standalone {
  const shared = globalThis as { [STANDALONE]?: Standalone };
  shared[STANDALONE] ??= { ofTree: new WeakMap(), ofProcess: undefined };
  return shared[STANDALONE];
}

const STANDALONE: unique symbol = Symbol.for('treewarden/standalone-registry') as typeof STANDALONE;
