// A Redis server of one's own on a loopback port, which ends with its registry, or with this process however that ends.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';

/** A client of a server that has just been started, and keeps nothing. */
export async function ownRedis(registry, { processGroup }) {
  const port = await freePort();
  const args = [
    '--port',
    port,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--daemonize',
    'no',
  ];
  const server = spawn('redis-server', args.map(String), {
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await registry.acquire(processGroup(server.pid, { signal: 'SIGKILL' }));
  await ready(server);
  return new Redis({ port, host: '127.0.0.1', retryStrategy: () => null });
}

async function ready(server) {
  for await (const line of createInterface({ input: server.stdout })) {
    if (line.includes('Ready to accept connections')) break;
  }
  server.stdout.destroy();
  server.unref();
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
