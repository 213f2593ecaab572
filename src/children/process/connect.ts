import { connect } from 'node:net';

/** Resolves if something listens at the port, and hangs up. Rejects with what the operating system says if not, and when the signal is aborted. */
export function tryConnect(port: number, host: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, signal });
    socket.once('connect', () => {
      resolve();
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
