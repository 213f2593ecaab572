// A program that writes a cell, as fast as it can or with a pause: `writer.ts <dir> <way> <payload bytes> [pause ms]`. It says "writing" after the
// first version, and ends with its stdin.
import { snapshotCell } from '../../../src/resources/cell/cell.js';
import { attach, type Way } from './host.js';
import { type Storm, stormValue } from './storm.js';

const [dir = '', way = 'auto', bytes = '1024', pauseMs = '0'] = process.argv.slice(2);

const cell = await attach(
  snapshotCell<Storm>({ name: 'storm', bytes: Number(bytes), role: 'writer' }),
  dir,
  way as Way,
);
const write = (): void => cell.write(stormValue(cell.version + 1, Number(bytes)));
write();
process.stdout.write('writing\n');
if (pauseMs === '0') writeOn();
else setInterval(write, Number(pauseMs));
process.stdin.on('end', () => process.exit(0)).resume();

function writeOn(): void {
  for (let times = 0; times < 50; times += 1) write();
  setImmediate(writeOn);
}
