// An HTTP server that takes no new connection once it is asked to stop, answers what it has begun, and only then ends.
//
//   node --import tsx examples/06-graceful-http-server.ts     (curl it, press Ctrl-C meanwhile)

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { type ChildContext, supervise, task } from 'treewarden';

async function serve(ctx: ChildContext): Promise<void> {
  const server = createServer(async (request, response) => {
    console.log(`${request.method} ${request.url}`);
    await wait(300);
    // A client that keeps its connection would otherwise keep the server.
    if (ctx.signal.aborted) response.setHeader('connection', 'close');
    response.end('here you are\n');
  });
  server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1');
  await once(server, 'listening');

  ctx.onDrain(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeIdleConnections();
    await closed;
    console.log('every request is answered');
  });
  ctx.deadline.addEventListener('abort', () => server.closeAllConnections());

  console.log(`listening on ${(server.address() as AddressInfo).port}`);
  ctx.ready();
  await once(server, 'close');
}

const app = await supervise(task('http', serve, { ready: 'explicit', drainMs: 15_000 }));
console.log((await app.done).type);
