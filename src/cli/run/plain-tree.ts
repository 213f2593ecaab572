import type { AnySupervisorSpec, CommandOptions } from '../../index.js';
import type { Option, Values } from '../command.js';
import { Complaint } from '../complaint.js';
import { EXIT } from '../exit-code.js';
import { readBytes, readNumber, readWord } from '../option-values.js';
import { plainOptions } from './plain-options.js';

const TIMESTAMPS = ['none', 'iso', 'tai64n', 'monotonic'] as const;
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
  'log-dir': {
    type: 'string',
    value: 'folder',
    summary: 'write its output there instead, to a file that rotates: current, and older ones beside it',
  },
  'log-size': {
    type: 'string',
    value: 'bytes',
    summary: 'rotate at this size, as in 10M, which it is if not given',
  },
  'log-files': { type: 'string', value: 'number', summary: 'how many files are kept; 10 if not given' },
  'log-time': {
    type: 'string',
    value: 'how',
    words: TIMESTAMPS,
    summary: 'what each line begins with; iso if not given',
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
  const output = await outputOf(values);
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

async function outputOf(values: Values): Promise<NonNullable<CommandOptions['stdout']>> {
  const directory = values.text('log-dir');
  if (directory === undefined) return readWord('output', values.text('output') ?? 'lines', OUTPUTS);
  const { logFile } = await import('../../children/logs.js');
  const [size, files] = [values.text('log-size'), values.text('log-files')];
  return logFile({
    directory,
    timestamps: readWord('log-time', values.text('log-time') ?? 'iso', TIMESTAMPS),
    ...(size === undefined ? {} : { limitBytes: readBytes('log-size', size) }),
    ...(files === undefined ? {} : { files: readNumber('log-files', files, 2) }),
  });
}

/** An option that the library refuses was given on our command line. */
function asUsage(error: unknown): unknown {
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  return code === 'INVALID_SPEC' ? new Complaint(message, EXIT.usage) : error;
}
