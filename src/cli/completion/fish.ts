import type { Command } from '../command.js';
import { CHILDREN_OF_TREE, type Completable, completables, quoted, TREE_NAMES } from './completable.js';

/** A completion for fish: one line for each thing that there is. */
export function fishCompletion(commands: readonly Command[]): readonly string[] {
  const known = completables(commands);
  return [
    'function __treewarden_children',
    '  set -l words (commandline -opc)',
    '  set -l tree',
    '  for at in (seq 2 (math (count $words) - 1))',
    '    contains -- $words[$at] -t --tree --socket; and set tree $words[$at] $words[(math $at + 1)]',
    '  end',
    `  ${CHILDREN_OF_TREE} $tree 2>/dev/null`,
    'end',
    'complete -c treewarden -f',
    ...known.flatMap(linesFor),
  ];
}

function linesFor({ name, summary, options, operands }: Completable): readonly string[] {
  const here = `complete -c treewarden -n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
  return [
    `complete -c treewarden -n __fish_use_subcommand -a ${quoted(name)} -d ${quoted(summary)}`,
    ...options.map(({ long, short, type, words, summary: text }) => {
      const letter = short === undefined ? '' : ` -s ${short}`;
      const value =
        type === 'boolean'
          ? ''
          : long === 'tree'
            ? ` -x -a ${quoted(`(${TREE_NAMES})`)}`
            : words === undefined
              ? ' -r -F'
              : ` -x -a ${quoted(words.join(' '))}`;
      return `${here} -l ${long}${letter}${value} -d ${quoted(text)}`;
    }),
    ...operands.map((what) => {
      if (what === 'files') return `${here} -F`;
      return `${here} -a ${quoted(what === 'children' ? '(__treewarden_children)' : what.join(' '))}`;
    }),
  ];
}
