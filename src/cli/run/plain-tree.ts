import type { AnySupervisorSpec, CommandOptions } from '../../index.js';
import type { Option, Values } from '../command.js';
import { Complaint } from '../complaint.js';
import { EXIT } from '../exit-code.js';
import { readWord } from '../option-values.js';
import { plainOptions } from './plain-options.js';

const OUTPUTS = ['lines', 'tee', 'inherit'] as const;

/** Where the output of a plain command goes. */
export const LOG_OPTIONS: Readonly<Record<string, Option>> = {
  output: {
    type: 'string',
    value: 'how',
    words: OUTPUTS,
    summary:
      'lines: line by line after its path, as if nothing is said; tee: as it comes; inherit: past us, and not in treewarden logs',
  },
};

/** The child of a plain command's tree: there is only one. */
const CHILD = 'main';

/**
 * A tree around one command. It is restarted for ever, with growing waits; if it is not always restarted, the tree ends with it.
 *
 * @throws Complaint if an option is wrong
 */
export async function plainTree(
  name: string,
  file: string,
  args: readonly string[],
  values: Values,
): Promise<AnySupervisorSpec> {
  const { command, supervisor } = await import('../../index.js');
  const output = outputOf(values);
  try {
    const options: CommandOptions = { stdout: output, stderr: output, ...plainOptions(values) };
    const ends = (options.restart ?? 'permanent') !== 'permanent';
    return supervisor(name, {
      intensity: Number.POSITIVE_INFINITY,
      autoShutdown: ends ? 'any_significant' : 'never',
      children: [command(CHILD, file, args, { ...options, significant: ends })],
    });
  } catch (error) {
    throw asUsage(error);
  }
}

function outputOf(values: Values): NonNullable<CommandOptions['stdout']> {
  return readWord('output', values.text('output') ?? 'lines', OUTPUTS);
}

/** An option that the library refuses was given on our command line. */
function asUsage(error: unknown): unknown {
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  return code === 'INVALID_SPEC' ? new Complaint(message, EXIT.usage) : error;
}
