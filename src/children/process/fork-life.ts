import { type Exit, errorFacts, type StopObstacle } from '../../core/index.js';
import type {
  CallOptions,
  IncarnationFacts,
  IncarnationHost,
  OwnedGroup,
  Transferable,
} from '../../runtime/index.js';
import { Channel, handOver, identityOf } from '../channel/channel.js';
import { entryError, inheritedFlags, inheritedNodeOptions } from '../channel/entry-launch.js';
import { orphanMsOf } from '../channel/orphan.js';
import { type FromChild, IDENTITY_KEY, isWrapped, wrap } from '../channel/wire.js';
import type { ForkSettings } from './fork.js';
import { HAS_GROUPS } from './owned/process-group.js';
import { ProcessIncarnation, type ProcessLaunch } from './process.js';
import type { Spawned } from './spawned.js';

/** One life of a forked program. */
export class ForkIncarnation extends ProcessIncarnation {
  readonly #file: string;
  readonly #flags: readonly string[];
  readonly #onOwnMessage: ((message: unknown) => void) | undefined;
  readonly #channel: Channel;

  constructor(host: IncarnationHost, file: string, settings: ForkSettings) {
    const flags = settings.execArgv ?? inheritedFlags();
    super(host, launchOf(host, file, flags, settings));
    this.#file = file;
    this.#flags = flags;
    this.#onOwnMessage = settings.onMessage;
    this.#channel = new Channel(
      this.host,
      // With a callback Node tells it of a closed channel; without, it would be an 'error' event.
      (message, _, onLost) =>
        void this.child?.send?.(wrap(message), (error) => error !== null && onLost(error)),
      () => super.askToStop(0),
      () => this.#ownedGroup(),
    );
  }

  /** If this process dies, what it uses may be released only when its group has ended as an orphan does. */
  #ownedGroup(): OwnedGroup | undefined {
    const pid = this.child?.pid;
    return pid === undefined || !HAS_GROUPS ? undefined : { pid, graceMs: orphanMsOf(this.host.settings) };
  }

  override begin(): this {
    const error = entryError(this.host.path, this.#file, this.#flags);
    if (error !== undefined) {
      this.#channel.close();
      this.host.exited({ type: 'not-started', error: errorFacts(error) });
      return this;
    }
    return super.begin();
  }

  protected override onSpawned(child: Spawned): void {
    child.once('disconnect', () => this.#channel.close());
  }

  override drain(withinMs: number): void {
    if (this.launch.drainSignal !== undefined || this.child === undefined) return super.drain(withinMs);
    if (this.ended) return;
    this.markAsked();
    if (this.#channel.greeted) this.#asksByMessage();
    this.#channel.drain(withinMs);
    this.wake();
  }

  protected override askToStop(withinMs: number): void {
    if (this.#channel.greeted) this.#asksByMessage();
    if (this.#channel.stop(withinMs)) this.wake();
    else super.askToStop(withinMs);
  }

  #asksByMessage(): void {
    this.asks('message', this.launch.stopSignal ?? 'SIGTERM', 'leader');
  }

  override explain(): readonly StopObstacle[] {
    return super.explain(this.#channel.heard);
  }

  override kill(): void {
    super.kill();
    this.#channel.calls.close('it is being killed.');
  }

  override facts(): IncarnationFacts {
    return { ...super.facts(), inFlight: this.#channel.calls.size };
  }

  call(method: string, args: readonly unknown[], options: CallOptions): Promise<unknown> {
    return this.#channel.call(method, args, options);
  }

  cast(method: string, args: readonly unknown[], transfer?: readonly Transferable[]): boolean {
    return this.#channel.cast(method, args, transfer);
  }

  protected override onMessage(message: unknown): void {
    if (isWrapped<FromChild>(message)) this.#channel.receive(message.treewarden);
    else handOver(this.host, message, this.#onOwnMessage);
  }

  protected override explainCode(code: number): Exit {
    const error = this.#channel.crash;
    return error === undefined ? super.explainCode(code) : { type: 'failed', error };
  }

  protected override onEnd(): Promise<void> | undefined {
    this.#channel.close();
    return this.#channel.release();
  }
}

function launchOf(
  host: IncarnationHost,
  file: string,
  flags: readonly string[],
  { args = [], env, execArgv: _, onMessage: __, ...options }: ForkSettings,
): ProcessLaunch {
  const nodeOptions = inheritedNodeOptions();
  return {
    ...options,
    file: process.execPath,
    args: [...flags, file, ...args],
    env: {
      ...(nodeOptions === undefined ? {} : { NODE_OPTIONS: nodeOptions }),
      ...env,
      [IDENTITY_KEY]: JSON.stringify(identityOf(host)),
    },
    channel: 'advanced',
  };
}
