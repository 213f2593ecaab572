import type { ChildPath, StopObstacle, StopReport } from '../core/index.js';
import type {
  ControlClient,
  DownReport,
  LoggedLine,
  LogOptions,
  ServerFacts,
  StatusOptions,
  StopTreeOptions,
  TimedWaitOptions,
  ToldEvent,
  TreeStatus,
  UpOptions,
  WaitOptions,
} from './client.js';
import type { Dialled } from './dial.js';
import type { OperationName, Operations, StreamName } from './operations.js';
import { Questions } from './questions.js';
import { checkArguments } from './requests.js';

type Args<Name extends OperationName> = Operations[Name]['args'];

/** A connection to a tree, as its user sees it. */
export class Session implements ControlClient {
  readonly server: ServerFacts;
  readonly #questions: Questions;

  constructor(dialled: Dialled) {
    this.server = dialled.server;
    this.#questions = new Questions(dialled);
  }

  status(path?: ChildPath, { usage, abortSignal }: StatusOptions = {}): Promise<TreeStatus> {
    return this.#ask('status', { path, usage }, abortSignal);
  }

  up(path: ChildPath, { once, abortSignal }: UpOptions = {}): Promise<TreeStatus> {
    return this.#ask('up', { path, once }, abortSignal);
  }

  down(path: ChildPath, { abortSignal }: WaitOptions = {}): Promise<DownReport> {
    return this.#ask('down', { path }, abortSignal);
  }

  restart(path: ChildPath, { abortSignal }: WaitOptions = {}): Promise<TreeStatus> {
    return this.#ask('restart', { path }, abortSignal);
  }

  async reload(path: ChildPath): Promise<void> {
    await this.#ask('reload', { path });
  }

  async pause(path: ChildPath): Promise<void> {
    await this.#ask('pause', { path });
  }

  async continue(path: ChildPath): Promise<void> {
    await this.#ask('continue', { path });
  }

  async signal(path: ChildPath, signal: NodeJS.Signals): Promise<void> {
    await this.#ask('signal', { path, signal });
  }

  wait(
    path: ChildPath,
    until: 'ready' | 'down',
    { timeoutMs, abortSignal }: TimedWaitOptions = {},
  ): Promise<TreeStatus> {
    return this.#ask('wait', { path, until, timeoutMs }, abortSignal);
  }

  explain(path: ChildPath): Promise<readonly StopObstacle[]> {
    return this.#ask('explain', { path });
  }

  logs(path?: ChildPath, { lines, follow, abortSignal }: LogOptions = {}): AsyncIterable<LoggedLine> {
    return this.#stream('logs', { path, lines, follow }, abortSignal);
  }

  events(path?: ChildPath, { abortSignal }: WaitOptions = {}): AsyncIterable<ToldEvent> {
    return this.#stream('events', { path }, abortSignal);
  }

  reopenLogs(path?: ChildPath): Promise<number> {
    return this.#ask('reopenLogs', { path });
  }

  stop({ graceMs, abortSignal }: StopTreeOptions = {}): Promise<StopReport> {
    return this.#ask('stop', { graceMs }, abortSignal);
  }

  close(): Promise<void> {
    return this.#questions.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #ask<Name extends OperationName>(
    op: Name,
    args: Loose<Args<Name>>,
    abortSignal?: AbortSignal,
  ): Promise<Operations[Name]['answer']> {
    const answer = await this.#questions.ask({ op, ...checked(op, args) }, abortSignal);
    // Safe: the server answers this operation by the same table.
    return answer as Operations[Name]['answer'];
  }

  #stream<Name extends StreamName>(
    op: Name,
    args: Loose<Args<Name>>,
    abortSignal?: AbortSignal,
  ): AsyncIterable<Operations[Name]['item']> {
    return this.#questions.stream({ op, ...checked(op, args) }, abortSignal) as AsyncIterable<
      Operations[Name]['item']
    >;
  }
}

/** Arguments as options give them: what is left out may be there, and undefined. */
type Loose<Args> = { readonly [Name in keyof Args]: Args[Name] | undefined };

/** @throws InvalidSpecError where the server would refuse them */
function checked(op: OperationName, args: object): object {
  const given = Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
  checkArguments(op, given);
  return given;
}
