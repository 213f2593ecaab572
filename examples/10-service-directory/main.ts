// An old queue consumer, here a shell script, is kept alive the daemontools way: with a log that rotates, limits, and control from another
// shell. It is a service in the directory `services`, as svscan, runsvdir or s6-svscan would keep it.
//
//   QUEUE=/tmp/queue LOG=/tmp/mail-log node --import tsx examples/10-service-directory/main.ts
//   npx treewarden status; npx treewarden down mail; npx treewarden logs -f

import { fileURLToPath } from 'node:url';
import { serviceDirectory, supervise } from 'treewarden';
import { logFile } from 'treewarden/logs';

const { LOG: directory = '/tmp/mail-log' } = process.env;
const services = serviceDirectory('services', fileURLToPath(new URL('./services', import.meta.url)), {
  each: {
    stdout: logFile({ directory, timestamps: 'iso', limitBytes: 1_000_000, files: 10 }),
    limits: { nofile: 256, as: 512 * 1024 * 1024 },
  },
});

const app = await supervise(services, { control: true });
console.log(`listening at ${app.controlPath}`);
