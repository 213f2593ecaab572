// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are the shell's.

import type { Command } from '../command.js';
import { CHILDREN_OF_TREE, type Completable, completables, quoted, TREE_NAMES } from './completable.js';

/** A completion for zsh, by its own `_arguments`. */
export function zshCompletion(commands: readonly Command[]): readonly string[] {
  const known = completables(commands);
  return [
    '#compdef treewarden',
    '_treewarden_children() {',
    '  local -a tree found',
    '  local at=${words[(I)(-t|--tree|--socket)]}',
    '  (( at > 0 && at + 1 < CURRENT )) && tree=(${words[at]} ${words[at+1]})',
    `  found=(\${(f)"$(${CHILDREN_OF_TREE} $tree 2>/dev/null)"})`,
    '  compadd -a found',
    '}',
    `_treewarden_trees() { local -a found; found=(\${(f)"$(${TREE_NAMES} 2>/dev/null)"}); compadd -a found }`,
    '_treewarden() {',
    '  if (( CURRENT == 2 )); then',
    '    local -a commands',
    `    commands=(${known.map(({ name, summary }) => quoted(`${name}:${summary}`)).join(' ')})`,
    '    _describe command commands',
    '    return',
    '  fi',
    '  local command=$words[2]',
    '  shift words; (( CURRENT-- ))',
    '  case $command in',
    ...known.map(branch),
    '  esac',
    '}',
    'compdef _treewarden treewarden',
  ];
}

function branch({ name, options, operands }: Completable): string {
  const flags = options.map(({ long, type, summary, words, value, repeats }) => {
    const text = summary.replaceAll(/[[\]:]/g, ' ');
    if (type === 'boolean') return quoted(`--${long}[${text}]`);
    const action =
      long === 'tree' ? '_treewarden_trees' : words === undefined ? '_files' : `(${words.join(' ')})`;
    return quoted(`${repeats === true ? '*' : ''}--${long}=[${text}]:${value}:${action}`);
  });
  const places = operands.map((what, at) => {
    const place = at === operands.length - 1 ? '*' : String(at + 1);
    return quoted(`${place}:${actionOf(what)}`);
  });
  return `    ${name}) _arguments ${[...flags, ...places].join(' ')} ;;`;
}

function actionOf(what: Completable['operands'][number]): string {
  if (what === 'files') return 'file:_files';
  return what === 'children' ? 'child:_treewarden_children' : `word:(${what.join(' ')})`;
}
