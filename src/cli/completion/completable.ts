import type { Command, Option } from '../command.js';

/** What a shell is told of a command. */
export interface Completable {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly (Option & { readonly long: string })[];
  /** What its operands are, in their order; the last stands for all further ones. */
  readonly operands: readonly ('children' | 'files' | readonly string[])[];
}

export function completables(commands: readonly Command[]): readonly Completable[] {
  return commands.map(({ name, summary, options, operands }) => ({
    name,
    summary,
    options: [
      ...Object.entries(options).map(([long, option]) => ({ ...option, long })),
      { long: 'help', type: 'boolean', summary: 'show help' },
    ],
    operands: operands?.complete ?? [],
  }));
}

/** In single quotes for a shell: whatever it holds, it is one word. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Asks the tree that the line names, or the only one; a shell completes nothing where that is not clear. */
export const CHILDREN_OF_TREE = 'treewarden status --paths';
export const TREE_NAMES = 'treewarden trees --names';
