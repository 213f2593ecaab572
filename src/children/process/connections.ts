import type { Socket } from 'node:net';
import type { Spawned } from './spawned.js';

/** The pipes between this process and one that it has started. */
export function pipesOf(child: Spawned): readonly Socket[] {
  // Safe: the pipes of a child process are sockets.
  return child.stdio.filter((stream) => stream != null) as readonly unknown[] as readonly Socket[];
}

/** Lets this process end although that one goes on. */
export function unrefConnections(child: Spawned): void {
  child.unref();
  child.channel?.unref();
  for (const pipe of pipesOf(child)) pipe.unref();
}

/** Closes our ends of what a descendant that was left alone, or not found, may still hold open. */
export function closeConnections(child: Spawned): void {
  for (const pipe of pipesOf(child)) pipe.destroy();
  if (child.connected) child.disconnect();
}
