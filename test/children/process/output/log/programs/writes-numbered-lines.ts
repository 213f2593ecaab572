/** Writes numbered lines to a log that rotates all the time, from a number on, until it is killed. */
import { logFile } from 'treewarden/logs';
import { systemClock } from '../../../../../../src/runtime/index.js';

const [directory = '', from = '1'] = process.argv.slice(2);
const log = logFile({ directory, limitBytes: 4096, files: 1_000_000 });
const writer = await log.open({
  path: 'root/web',
  incarnation: 1,
  stream: 'stdout',
  clock: systemClock,
  note: (note, error) => process.stderr.write(`${note} ${String(error)}\n`),
});
for (let number = Number(from); ; number += 10) {
  const lines = Array.from({ length: 10 }, (_, index) => `line ${number + index} end\n`);
  await writer.write(Buffer.from(lines.join('')));
  // The queue would take much more than the disk has by the time of the kill.
  await new Promise((resolve) => setImmediate(resolve));
}
