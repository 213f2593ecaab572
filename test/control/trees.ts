import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { connect as dialSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type ControlClient, connect } from '../../src/control/index.js';
import {
  type AnySupervisorSpec,
  type ChildContext,
  type Supervised,
  type SuperviseOptions,
  supervise,
  supervisor,
  task,
} from '../../src/index.js';

/** A directory of this test's own, which nobody else may enter. */
export function ownDirectory(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'tw-control-')));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export const idle = (ctx: ChildContext): Promise<void> =>
  new Promise((resolve) => {
    if (ctx.signal.aborted) resolve();
    else ctx.signal.addEventListener('abort', () => resolve());
  });

export const shop = supervisor('shop', {
  children: [task('rates', idle), supervisor('workers', { children: [task('mail', idle)] })],
});

export interface Served {
  readonly app: Supervised;
  readonly path: string;
  readonly directory: string;
}

/** A tree that listens in a directory of its own, stopped at the end of the test. */
export async function served(
  tree: AnySupervisorSpec = shop,
  options: SuperviseOptions = {},
): Promise<Served> {
  const directory = ownDirectory();
  const app = await supervise(tree, { signals: false, control: { directory }, ...options });
  onTestFinished(async () => void (await app.stop().catch(() => undefined)));
  return { app, path: app.controlPath ?? '', directory };
}

export async function client(path: string): Promise<ControlClient> {
  const made = await connect({ path });
  onTestFinished(() => made.close());
  return made;
}

/** A connection that speaks the protocol by hand. */
export class RawClient {
  readonly socket: Socket;
  readonly #lines: string[] = [];
  #rest = '';
  #wake: () => void = () => undefined;
  #isClosed = false;

  constructor(path: string, allowHalfOpen = false) {
    this.socket = dialSocket({ path, allowHalfOpen });
    this.socket.setEncoding('utf8');
    this.socket.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      this.#lines.push(...lines.filter((line) => line !== ''));
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
    onTestFinished(() => void this.socket.destroy());
  }

  say(...lines: readonly unknown[]): void {
    this.socket.write(
      lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
    );
  }

  /** The next line, parsed; nothing once the connection has ended. */
  // biome-ignore lint/suspicious/noExplicitAny: what the tests look at is what they check.
  async next(): Promise<any> {
    while (this.#lines.length === 0) {
      if (this.#isClosed) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return JSON.parse(this.#lines.shift() as string);
  }

  /** All that comes until the connection ends. */
  async rest(): Promise<readonly unknown[]> {
    const all: unknown[] = [];
    for (let line = await this.next(); line !== undefined; line = await this.next()) all.push(line);
    return all;
  }
}
