import { UsageError } from '../arguments.js';
import type { Command } from '../command.js';
import { bashCompletion } from '../completion/bash.js';
import { fishCompletion } from '../completion/fish.js';
import { zshCompletion } from '../completion/zsh.js';
import { EXIT } from '../exit-code.js';
import { nearest } from '../nearest.js';

/** What makes a shell complete this program's commands; it knows the table that it stands in. */
export function completionFor(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    summary: 'print what makes a shell complete commands, options and the names of children',
    details: [
      'bash: eval "$(treewarden completion bash)" in ~/.bashrc',
      'zsh: eval "$(treewarden completion zsh)" in ~/.zshrc, after compinit',
      'fish: treewarden completion fish > ~/.config/fish/completions/treewarden.fish',
    ],
    operands: { usage: '<bash|zsh|fish>', min: 1, max: 1, complete: [Object.keys(SHELLS)] },
    options: {},
    async run(values, terminal) {
      const [shell = ''] = values.operands;
      const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
      if (script === undefined) {
        const meant = nearest(shell, Object.keys(SHELLS));
        throw new UsageError(
          `There is no completion for "${shell}", but for bash, zsh and fish.${meant === undefined ? '' : ` Did you mean ${meant}?`}`,
        );
      }
      terminal.say(...script(commands()));
      return EXIT.ok;
    },
  };
}

const SHELLS: Readonly<Record<string, (commands: readonly Command[]) => readonly string[]>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};
