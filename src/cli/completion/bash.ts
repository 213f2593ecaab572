// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are the shell's.

import type { Command } from '../command.js';
import { CHILDREN_OF_TREE, type Completable, completables, quoted, TREE_NAMES } from './completable.js';

/** A completion for bash, without bash-completion. */
export function bashCompletion(commands: readonly Command[]): readonly string[] {
  const known = completables(commands);
  return [
    '_treewarden() {',
    '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words="" operand=0 at tree=()',
    '  COMPREPLY=()',
    `  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W ${quoted(known.map(({ name }) => name).join(' '))} -- "$word")); return; fi`,
    '  for ((at = 2; at < COMP_CWORD; at++)); do',
    '    case "${COMP_WORDS[at]}" in',
    '      --) compopt -o default; return ;;',
    '      -t|--tree|--socket) [ $((at + 1)) -lt "$COMP_CWORD" ] && tree=("${COMP_WORDS[at]}" "${COMP_WORDS[at+1]}"); at=$((at + 1)) ;;',
    '      -*) ;;',
    '      *) operand=$((operand + 1)) ;;',
    '    esac',
    '  done',
    '  case "$before" in',
    `    -t|--tree) COMPREPLY=($(compgen -W "$(${TREE_NAMES} 2>/dev/null)" -- "$word")); return ;;`,
    '  esac',
    '  case "${COMP_WORDS[1]}" in',
    ...known.flatMap(branch),
    '  esac',
    "  local IFS=$'\\n'",
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    '}',
    'complete -F _treewarden treewarden',
  ];
}

function branch({ name, options, operands }: Completable): readonly string[] {
  const names = options.map(({ long }) => `--${long}`).join('\\n');
  return [
    `    ${name})`,
    '      case "$before" in',
    ...options.flatMap(({ long, type, words }) => {
      if (type === 'boolean' || long === 'tree') return [];
      const reply =
        words === undefined
          ? 'compopt -o default'
          : `COMPREPLY=($(compgen -W ${quoted(words.join(' '))} -- "$word"))`;
      return [`        --${long}) ${reply}; return ;;`];
    }),
    '      esac',
    `      if [[ "$word" == -* ]]; then words=$'${names}'`,
    ...operands.map((what, at) => {
      const test = at === operands.length - 1 ? 'else' : `elif [ "$operand" -eq ${at} ]; then`;
      return `      ${test} ${reply(what)}`;
    }),
    '      fi ;;',
  ];
}

function reply(what: Completable['operands'][number]): string {
  if (what === 'files') return 'compopt -o default; return';
  if (what === 'children') return `words="$(${CHILDREN_OF_TREE} "\${tree[@]}" 2>/dev/null)"`;
  return `words=$'${what.join('\\n')}'`;
}
