import { type Snapshot, UnknownChildError } from '../../core/index.js';
import type { TreeStatus } from '../client.js';
import { nodeAt, relative, type ServedTree } from './tree.js';

/** The branch below a path as plain data; with what each child's processes use, if that is wanted. */
export function statusAt(
  tree: ServedTree,
  path: string | undefined,
  usage = false,
): TreeStatus | Promise<TreeStatus> {
  const snapshot = (nodeAt(tree.root, path) ?? tree.root).snapshot();
  return usage ? new Survey(tree).withUsage(snapshot) : snapshot;
}

/** How long children are looked at before others have their turn, in ms. */
const SLICE_MS = 2;

/** Looks at what many children use, a few in one turn of the event loop, which is the program's first of all. */
class Survey {
  readonly #tree: ServedTree;
  #turnAtMs: number;

  constructor(tree: ServedTree) {
    this.#tree = tree;
    this.#turnAtMs = tree.clock.now();
  }

  async withUsage(snapshot: Snapshot): Promise<TreeStatus> {
    const { path, children } = snapshot;
    if (children === undefined) return { ...snapshot, usage: this.#usageOf(path) };
    const found: TreeStatus[] = [];
    for (const child of children) {
      if (this.#tree.clock.now() - this.#turnAtMs > SLICE_MS) await this.#yield();
      found.push(await this.withUsage(child));
    }
    return { ...snapshot, children: found };
  }

  /** Of one that may have been removed meanwhile: nothing. */
  #usageOf(path: string): TreeStatus['usage'] {
    const { root } = this.#tree;
    if (path === root.path) return undefined;
    try {
      return root.child(relative(root, path)).usage();
    } catch (error) {
      if (error instanceof UnknownChildError) return undefined;
      throw error;
    }
  }

  #yield(): Promise<void> {
    const { clock } = this.#tree;
    return new Promise((resolve) => {
      clock.yield(() => {
        this.#turnAtMs = clock.now();
        resolve();
      });
    });
  }
}
