import { connect } from 'node:net';
import pRetry from 'p-retry';

/** The pauses between two attempts to connect, in ms: from the first up to the second. */
const CONNECT_EVERY_MS = [10, 250] as const;

/** Resolves once something listens at the port. Rejects when the signal is aborted. */
export async function portOpens(port: number, host: string, signal: AbortSignal): Promise<void> {
  const [minTimeout, maxTimeout] = CONNECT_EVERY_MS;
  await pRetry(() => tryConnect(port, host, signal), {
    retries: Number.POSITIVE_INFINITY,
    factor: 1.5,
    minTimeout,
    maxTimeout,
    signal,
  });
}

function tryConnect(port: number, host: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, signal });
    socket.once('connect', () => {
      resolve();
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
