/** Runs a program that writes more than its disk has room for, and makes room once that was noticed. Prints what was noted. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logFile } from 'treewarden/logs';
import { command } from '../../../../../../src/children/index.js';
import { startRecorded } from '../../../../../../src/testing/recording-host.js';

const [disk = '', whenFull = ''] = process.argv.slice(2);
const directory = join(disk, 'log');
const filler = join(disk, 'filler');
writeFileSync(filler, Buffer.alloc(2_500_000));

const script = `
  seq -f 'line %08.0f end' 1 60000
  i=60000
  until ${whenFull === 'block' ? 'true' : `grep -q 'were dropped' ${directory}/current`}; do
    i=$((i + 1)); printf 'line %08d end\\n' $i; sleep 0.01
  done
  echo $i > ${disk}/total`;
const log = logFile({ directory, whenFull: whenFull as 'block' | 'drop' });
const { host } = startRecorded(command('writer', 'sh', ['-c', script], { stdout: log }), {
  patienceMs: 60_000,
});
await host.next('noted');
rmSync(filler);
await host.next('exited');
const notes = host.news.flatMap((news) =>
  news.type === 'noted' ? [`${news.note} ${news.error?.message ?? ''}`] : [],
);
process.stdout.write(`${JSON.stringify(notes)}\n`);
