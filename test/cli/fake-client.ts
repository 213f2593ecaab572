import type {
  ControlClient,
  DownReport,
  LoggedLine,
  ServerFacts,
  ToldEvent,
  TreeStatus,
} from '../../src/control/index.js';
import type { StopObstacle, StopReport } from '../../src/core/index.js';

/** What a status needs not say for most tests. */
export function node(path: string, facts: Partial<TreeStatus> = {}): TreeStatus {
  return {
    id: path.split('/').at(-1) ?? path,
    path,
    kind: facts.children === undefined ? 'command' : 'supervisor',
    status: 'ready',
    restart: 'permanent',
    incarnation: 1,
    restarts: 0,
    ...facts,
  };
}

/** A shop with two children at work, one of them below a branch, and one that is down. */
export const SHOP: TreeStatus = node('shop', {
  upMs: 3_661_000,
  children: [
    node('shop/mail', {
      pid: 12,
      upMs: 61_000,
      restarts: 2,
      usage: { processes: 1, rssBytes: 3 * 2 ** 20, cpuMs: 5 },
    }),
    node('shop/workers', {
      upMs: 3_660_000,
      children: [
        node('shop/workers/hash', { pid: 34, upMs: 900 }),
        node('shop/workers/old', { status: 'down', lastExit: exitOf('shop/workers/old', 3) }),
      ],
    }),
  ],
});

export function exitOf(child: string, code: number): NonNullable<TreeStatus['lastExit']> {
  return { child, incarnation: 1, exit: { type: 'code', code }, atMs: 0, ranMs: 10, asked: false };
}

/** A tree that answers as it is told to, and writes down what it was asked. */
export class FakeClient implements ControlClient {
  readonly asked: string[] = [];
  readonly server: ServerFacts = { protocol: 1, version: '0', pid: 1, tree: 'shop', nowMs: 0, epochMs: 0 };
  readonly tree: TreeStatus;
  obstacles: readonly StopObstacle[] = [];
  lines: readonly LoggedLine[] = [];
  told: readonly ToldEvent[] = [];

  constructor(tree: TreeStatus = SHOP) {
    this.tree = tree;
  }

  async status(): Promise<TreeStatus> {
    return this.tree;
  }
  async up(path: string, options: { readonly once?: boolean } = {}): Promise<TreeStatus> {
    this.asked.push(`up ${path}${options.once === true ? ' once' : ''}`);
    return node(path, { pid: 99 });
  }
  async down(path: string): Promise<DownReport> {
    this.asked.push(`down ${path}`);
    return { child: path, tookMs: 1200, obstacles: this.obstacles };
  }
  async restart(path: string): Promise<TreeStatus> {
    this.asked.push(`restart ${path}`);
    return node(path);
  }
  async reload(path: string): Promise<void> {
    this.asked.push(`reload ${path}`);
  }
  async pause(path: string): Promise<void> {
    this.asked.push(`pause ${path}`);
  }
  async continue(path: string): Promise<void> {
    this.asked.push(`continue ${path}`);
  }
  async signal(path: string, signal: NodeJS.Signals): Promise<void> {
    this.asked.push(`${signal} ${path}`);
  }
  async wait(path: string, until: string): Promise<TreeStatus> {
    this.asked.push(`wait ${path} ${until}`);
    return node(path);
  }
  async explain(path: string): Promise<readonly StopObstacle[]> {
    this.asked.push(`explain ${path}`);
    return this.obstacles;
  }
  async *logs(): AsyncIterable<LoggedLine> {
    yield* this.lines;
  }
  async *events(): AsyncIterable<ToldEvent> {
    yield* this.told;
  }
  async reopenLogs(path?: string): Promise<number> {
    this.asked.push(`reopen ${path}`);
    return 2;
  }
  async stop(): Promise<StopReport> {
    this.asked.push('stop');
    return { tookMs: 5, graceMs: 100, children: [], survivors: [], failures: [] };
  }
  async close(): Promise<void> {
    this.asked.push('close');
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
