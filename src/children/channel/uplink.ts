import {
  getEnvironmentData,
  isMainThread,
  MessageChannel,
  type MessagePort,
  parentPort,
  setEnvironmentData,
} from 'node:worker_threads';
import { systemClock, type Transferable } from '../../runtime/index.js';
import { isRunning } from '../process/proc.js';
import { type FromChild, IDENTITY_KEY, type Identity, isWrapped, type ToChild, WIRE, wrap } from './wire.js';

/** A supervised program's end of the channel. */
export interface Uplink {
  /** Sends, or drops it where nobody hears any more. @throws if the message cannot be serialised */
  send(message: FromChild, transfer?: readonly Transferable[]): void;
  /** Says hello and begins to hear. Hearing alone does not keep the program running. */
  open(hear: (message: ToChild) => void, onSupervisorGone: () => void): void;
  /** One more reason, or one less, why waiting for messages keeps the program running. */
  keepAlive(keep: boolean): void;
}

/** Who this program is, and how it reaches its supervisor. */
export interface Supervision {
  readonly identity: Identity;
  readonly uplink: Uplink;
}

/** Nothing in a program that runs by itself. */
export function findSupervisor(): Supervision | undefined {
  const identity = takeIdentity();
  if (identity?.wire !== WIRE) return undefined;
  if (!isMainThread)
    return parentPort === null ? undefined : { identity, uplink: new ThreadUplink(parentPort) };
  // Our parent has changed if the supervisor died before we got here; the channel then says so.
  const isOurs = identity.parent === process.ppid || !isRunning(identity.parent);
  return isOurs && process.send !== undefined ? { identity, uplink: new ProcessUplink() } : undefined;
}

/** Reads the identity, and removes it, so that what this program starts does not take itself for the child. */
function takeIdentity(): Identity | undefined {
  if (!isMainThread) {
    // Safe: set under our own key by thread.ts, and checked for its version by the caller.
    const datum = getEnvironmentData(IDENTITY_KEY) as unknown as Identity | undefined;
    setEnvironmentData(IDENTITY_KEY);
    return datum;
  }
  const text = process.env[IDENTITY_KEY];
  delete process.env[IDENTITY_KEY];
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    // Somebody else's variable of that name: the program runs by itself.
    return undefined;
  }
}

/** A port of our own, so that the program's `parentPort` carries its own messages only, both ways. */
class ThreadUplink implements Uplink {
  readonly #parentPort: MessagePort;
  #port: MessagePort | undefined;
  #reasons = 0;

  constructor(parent: MessagePort) {
    this.#parentPort = parent;
  }

  open(hear: (message: ToChild) => void): void {
    const { port1, port2 } = new MessageChannel();
    port1.on('message', hear);
    port1.unref();
    this.#port = port1;
    this.#parentPort.postMessage(wrap(port2), [port2]);
    this.send({ type: 'hello' });
  }

  send(message: FromChild, transfer: readonly Transferable[] = []): void {
    // Safe: Node's types know one MessagePort, the DOM's and the module's; the run time takes both.
    this.#port?.postMessage(message, transfer as readonly MessagePort[]);
  }

  keepAlive(keep: boolean): void {
    this.#reasons += keep ? 1 : -1;
    if (this.#reasons > 0) this.#port?.ref();
    else this.#port?.unref();
  }
}

/** Node's IPC channel, shared with the program's own `process.send`. */
class ProcessUplink implements Uplink {
  open(hear: (message: ToChild) => void, onSupervisorGone: () => void): void {
    process.on('message', (message: unknown) => {
      if (isWrapped<ToChild>(message)) hear(message.treewarden);
    });
    if (process.connected) process.on('disconnect', onSupervisorGone);
    // It was told before this program listened. The program goes on first, so that it hears of it like any other.
    else systemClock.yield(onSupervisorGone);
    // Each listener counts as a reason to stay; ours are none. The program's own listeners go on counting.
    this.keepAlive(false);
    this.keepAlive(false);
    this.send({ type: 'hello' });
  }

  send(message: FromChild): void {
    // A closed channel is told to the callback; the supervisor has gone, and `disconnect` deals with that.
    if (process.connected) process.send?.(wrap(message), undefined, undefined, () => undefined);
  }

  keepAlive(keep: boolean): void {
    const channel = process.channel as CountedChannel | undefined;
    if (keep) channel?.refCounted();
    else channel?.unrefCounted();
  }
}

/** Node counts reasons to stay by these two; `ref` and `unref` override the count, the program's own listeners included. */
interface CountedChannel {
  refCounted(): void;
  unrefCounted(): void;
}
