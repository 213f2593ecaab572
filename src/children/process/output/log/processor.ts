import { type ChildProcess, spawn } from 'node:child_process';
import { open, unlink } from 'node:fs/promises';
import { LogFileError } from '../../../../core/index.js';

/** How much of a failed processor's complaint is told, in characters. */
const TOLD_CHARACTERS = 500;

/**
 * Runs a program that reads a file as stdin, and writes what it makes of it to another.
 * @throws LogFileError if it does not end with 0; the other file is removed then
 */
export async function processFile(
  from: string,
  to: string,
  [program = '', ...args]: readonly string[],
  mode: number,
): Promise<void> {
  const input = await open(from, 'r');
  try {
    const output = await open(to, 'w', mode);
    try {
      const stdio = [input.fd, output.fd, 'pipe'] as const;
      const complaint = await endOf(spawn(program, args, { stdio: [...stdio] }));
      if (complaint !== undefined) throw failure(from, program, complaint);
      await output.datasync();
    } finally {
      await output.close();
    }
  } catch (error) {
    await unlink(to).catch(() => undefined);
    throw error;
  } finally {
    await input.close();
  }
}

/** Resolves to what is wrong; undefined where all went well. */
function endOf(running: ChildProcess): Promise<string | undefined> {
  let said = '';
  running.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(0, TOLD_CHARACTERS);
  });
  return new Promise((resolve) => {
    running.once('error', (error) => resolve(error.message));
    running.once('close', (code, signal) =>
      resolve(code === 0 ? undefined : `it ended by ${signal ?? `status ${code}`} ${said.trim()}`.trim()),
    );
  });
}

function failure(path: string, program: string, complaint: string): LogFileError {
  return new LogFileError(
    path,
    'process',
    undefined,
    `its processor "${program}" failed (${complaint}). The file is kept, and tried again with the next rotation or start.`,
  );
}
