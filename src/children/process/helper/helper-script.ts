/**
 * The spawn helper, a Node program that uses nothing but Node's own modules. It starts what it is asked to, says what became of that, and ends with the
 * channel, which is when this process has. See `wire.ts` for what is said.
 *
 * A stream of a program is a socket that it connects to us, which says first by its ticket which one it is. It is the program's alone from the start on:
 * what is not closed here would keep us from seeing its end.
 */
export const HELPER_SCRIPT: string = `
'use strict';
const { spawn } = require('node:child_process');
const { readFileSync, rmSync } = require('node:fs');
const { connect } = require('node:net');

const folder = process.env.TREEWARDEN_SPAWN_FOLDER;
const say = (message) => process.connected && process.send(message, () => {});
const factsOf = ({ message, code, errno, syscall, path }) => ({ message, code, errno, syscall, path });

process.title = 'treewarden-spawn-helper';
process.once('disconnect', () => {
  if (folder) rmSync(folder, { recursive: true, force: true });
  process.exit();
});
process.on('message', (request) => {
  const { id, door, stdio } = request;
  const sockets = [];
  if (stdio.every((stream) => typeof stream === 'string')) return start(request, stdio, sockets);
  Promise.all(stdio.map((stream) => typeof stream === 'string' ? stream : open(door, stream.ticket, sockets))).then(
    (streams) => start(request, streams, sockets),
    (error) => {
      for (const socket of sockets) socket.destroy();
      say({ id, type: 'failed', error: factsOf(error) });
    },
  );
});

function open(door, ticket, sockets) {
  return new Promise((resolve, reject) => {
    const socket = connect(door);
    sockets.push(socket);
    socket.on('error', reject);
    socket.write(ticket, () => resolve(socket));
  });
}

function start({ id, file, args, options }, stdio, sockets) {
  try {
    const child = spawn(file, args, { ...options, stdio });
    child.on('error', (error) => child.pid === undefined && say({ id, type: 'failed', error: factsOf(error) }));
    if (child.pid === undefined) return;
    // It cannot be reaped before this function is left, so this is its own.
    say({ id, type: 'started', pid: child.pid, startTicks: startTicks(child.pid) });
    child.once('exit', (code, signal) => say({ id, type: 'ended', code, signal }));
  } catch (error) {
    say({ id, type: 'failed', error: factsOf(error) });
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function startTicks(pid) {
  try {
    const stat = readFileSync('/proc/' + pid + '/stat', 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return undefined;
  }
}
`;
