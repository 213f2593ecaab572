// Who keeps one program running: treewarden, with one option or another, a bare loop of spawn, and those that a user would take instead. Each resolves to
// the pid of the program at this moment, and to what ends it all.

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { entryPoint, INTENSITY } from './shared.mjs';

const OPTIONS = {
  treewarden: {},
  'ownership: group': { ownership: 'group' },
  limits: { limits: { nofile: 512 } },
  uid: { uid: process.getuid() },
  parentDeathSignal: { parentDeathSignal: 'SIGKILL' },
  'isolate.pid': { isolate: { pid: true } },
  'isolate.ipc': { isolate: { ipc: true } },
  'isolate.cgroup': { isolate: { cgroup: true } },
  'spawn helper': {},
};

export function keep(who, program, args) {
  if (who === 'raw spawn') return rawLoop(program, args);
  if (who in OPTIONS) return treewarden(who, program, args);
  return who === 'pm2' ? pm2(program, args) : peer(who, program, args);
}

async function treewarden(who, program, args) {
  const { command, noBackoff, supervise, supervisor } = await entryPoint();
  const options = { stdout: 'ignore', stderr: 'ignore', ...OPTIONS[who] };
  const tree = supervisor('bench', {
    ...INTENSITY,
    backoff: noBackoff(),
    children: [command('c', program, args, options)],
  });
  const spawnHelper = who === 'spawn helper';
  const app = await supervise(tree, { signals: false, onEvent: () => undefined, spawnHelper });
  return { pid: () => app.snapshot().children[0].pid, end: () => app.stop() };
}

function rawLoop(program, args) {
  let child;
  let ending = false;
  const begin = () => {
    child = spawn(program, args, { stdio: 'ignore', detached: true });
    child.on('exit', () => {
      if (!ending) begin();
    });
  };
  begin();
  return {
    pid: () => child.pid,
    end: () => {
      ending = true;
      child.kill('SIGKILL');
    },
  };
}

/** Those that read a directory with a `run` in it, or a file, and are the parent of the program. */
const PEERS = {
  s6: (folder) => ['s6-supervise', folder],
  runit: (folder) => ['runsv', folder],
  daemontools: (folder) => ['supervise', folder],
  supervisord: (folder) => ['supervisord', '-n', '-c', path.join(folder, 'supervisord.conf')],
};

function peer(who, program, args) {
  const folder = mkdtempSync(path.join(tmpdir(), 'treewarden-bench-peer-'));
  const words = [program, ...args];
  const run = path.join(folder, 'run');
  writeFileSync(run, `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(' ')}\n`);
  chmodSync(run, 0o755);
  const supervisord = [
    `[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=${folder}/pid\nchildlogdir=${folder}`,
    `[program:c]\ncommand=${words.join(' ')}\nautorestart=true\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n`,
  ];
  writeFileSync(path.join(folder, 'supervisord.conf'), supervisord.join('\n'));
  const [file, ...rest] = PEERS[who](folder);
  const warden = spawn(file, rest, { stdio: 'ignore', detached: true });
  const pid = () =>
    Number(readFileSync(`/proc/${warden.pid}/task/${warden.pid}/children`, 'utf8').split(' ')[0]);
  return {
    pid,
    end: () => {
      const last = pid();
      // First who would start it again.
      warden.kill('SIGKILL');
      if (last > 0) process.kill(last, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Where it is installed, or where TREEWARDEN_BENCH_PM2 says; with a home of its own. */
function pm2(program, args) {
  const home = mkdtempSync(path.join(tmpdir(), 'treewarden-bench-pm2-'));
  const env = { ...process.env, PM2_HOME: home };
  const ask = (...words) =>
    spawnSync(process.env.TREEWARDEN_BENCH_PM2 ?? 'pm2', words, { env, encoding: 'utf8' });
  ask('start', program, '--name', 'c', '--interpreter', 'none', '--', ...args);
  return {
    pid: () => Number(ask('pid', 'c').stdout.trim()),
    end: () => {
      ask('kill');
      rmSync(home, { recursive: true, force: true });
    },
  };
}
