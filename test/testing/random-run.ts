import { isSupervisionError, type Snapshot } from '../../src/core/index.js';
import type { AnySupervisorSpec, ChildSpec, Supervisor } from '../../src/runtime/index.js';
import { fakeChild, TestTree } from '../../src/testing/index.js';
import { type Act, behave, type Manners, type Move } from './random-trees.js';

/** A request that was made, and whether it has been answered. */
interface Asked {
  readonly what: string;
  answered: boolean;
}

/** One random tree under random faults and requests. */
export class RandomRun {
  readonly tree: TestTree;
  readonly asked: Asked[] = [];
  /** Children that somebody has stopped, or that have declined: they may be down. */
  readonly excused = new Set<string>();
  /** Errors that a request was refused with, and that are none of ours. */
  readonly wrong: unknown[] = [];
  readonly #spec: AnySupervisorSpec;

  constructor(spec: AnySupervisorSpec, plan: readonly Manners[]) {
    this.#spec = spec;
    this.tree = new TestTree<AnySupervisorSpec>(spec, {
      prepare: (fake) => {
        for (const [at, path] of leavesOf(spec).entries()) {
          const manners = plan[at % Math.max(1, plan.length)];
          if (manners !== undefined) behave(fake(path), manners);
        }
      },
    });
  }

  async start(): Promise<void> {
    // A start that fails is one of the things that may happen.
    await this.tree.start().catch((error: unknown) => {
      if (!isSupervisionError(error)) throw error;
    });
  }

  async play(moves: readonly Move[]): Promise<void> {
    for (const { doing, thenMs } of moves) {
      this.#do(doing);
      if (thenMs >= 0) await this.tree.advance(thenMs);
    }
    await this.tree.settle();
  }

  /** From now on all goes well: whatever is held is let go, whatever was deaf obeys. */
  async heal(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      for (const path of new Set([...leavesOf(this.#spec), ...this.everTold()])) {
        behave(this.tree.fake(path), { start: 'ready', drain: 'drained', stop: 'end', kill: 'end' });
      }
      for (const { path, status } of this.leaves()) {
        const fake = this.tree.fake(path);
        if (fake.alive === 0) continue;
        if (status === 'starting') fake.becomeReady();
        else if (status !== 'ready') fake.exit({ type: 'shutdown' });
        await this.tree.settle();
      }
      await this.tree.advance(3000);
    }
  }

  leaves(): readonly Snapshot[] {
    return flat(this.tree.snapshot())
      .filter(({ kind }) => kind === 'fake')
      .map((leaf) => this.#relative(leaf));
  }

  /** Every leaf that has ever been started. */
  everTold(): readonly string[] {
    const started = this.tree.timeline.entries.flatMap((entry) =>
      entry.type === 'child:starting' && entry.kind === 'fake'
        ? [this.tree.timeline.relative(entry.child)]
        : [],
    );
    return [...new Set(started)];
  }

  /** The supervisors that are up, the root among them. */
  supervisors(): readonly { readonly path: string; readonly it: Supervisor }[] {
    return flat(this.tree.snapshot())
      .filter(({ kind }) => kind !== 'fake')
      .map((node) => this.#relative(node))
      .flatMap(({ path }) => {
        const it = path === '' ? this.tree.root : this.tree.child(path).supervisor;
        return it === undefined ? [] : [{ path, it: it as Supervisor }];
      });
  }

  #relative(node: Snapshot): Snapshot {
    return { ...node, path: node.path.split('/').slice(1).join('/') };
  }

  #do(doing: Act): void {
    this.tree.timeline.add({ type: 'told', child: '', told: JSON.stringify(doing), atMs: this.tree.nowMs });
    if ('manners' in doing && doing.act === 'startChild') return this.#startChild(doing);
    const among = isRequest(doing.act) ? this.#children() : this.leaves().map(({ path }) => path);
    const path = among[doing.at % Math.max(1, among.length)];
    if (path === undefined) return;
    if (isRequest(doing.act)) this.#request(doing.act, path);
    else this.#fault(doing, path);
  }

  #fault(doing: Act, path: string): void {
    const fake = this.tree.fake(path);
    if (doing.act === 'behave') return behave(fake, doing.manners);
    if (doing.act === 'failStarts') return void fake.failNextStarts(doing.times);
    if (doing.act === 'declineStarts') {
      this.excused.add(path);
      return void fake.declineNextStarts(doing.times);
    }
    if (fake.alive === 0) return;
    if (doing.act === 'shut') fake.exit({ type: 'shutdown' });
    else if (doing.act === 'crash' || doing.act === 'finish' || doing.act === 'fail' || doing.act === 'stall')
      fake[doing.act]();
    else if (doing.act === 'becomeReady') fake.becomeReady();
  }

  #startChild({ at, id, manners }: Extract<Act, { act: 'startChild' }>): void {
    const supervisors = this.supervisors();
    const target = supervisors[at % supervisors.length];
    if (target === undefined) return;
    const { path, it } = target;
    this.excused.add(path === '' ? id : `${path}/${id}`);
    if (it.snapshot().strategy === 'dynamic') return this.#ask('startChild', it.startChild());
    const spec = this.tree.faked(fakeChild(id) as ChildSpec, path);
    behave(this.tree.fake(path === '' ? id : `${path}/${id}`), manners);
    this.#ask(`startChild ${path}/${id}`, it.startChild(spec as never));
  }

  #children(): readonly string[] {
    return flat(this.tree.snapshot())
      .map((node) => this.#relative(node).path)
      .filter((path) => path !== '');
  }

  #request(what: Act['act'], path: string): void {
    const ids = path.split('/');
    const id = ids.pop() as string;
    const above = ids.join('/');
    const parent =
      above === '' ? this.tree.root : (this.tree.child(above).supervisor as Supervisor | undefined);
    if (parent === undefined) return;
    if (what !== 'whenReady') this.#excuse(path, parent);
    if (what === 'terminateChild' || what === 'restartChild' || what === 'deleteChild')
      this.#ask(`${what} ${path}`, parent[what](id));
    const child = this.tree.child(path);
    if (what === 'stopHandle') this.#ask(`stop ${path}`, child.stop());
    if (what === 'restartHandle') this.#ask(`restart ${path}`, child.restart());
    if (what === 'whenReady') this.#ask(`whenReady ${path}`, child.whenReady());
  }

  /** Where siblings share a fate, one that is stopped while it waits for its restart leaves those down that were stopped with it, as in OTP. */
  #excuse(path: string, parent: Supervisor): void {
    this.excused.add(path);
    const { strategy, path: above } = parent.snapshot();
    if (strategy === 'one_for_one' || strategy === 'dynamic') return;
    for (const { id } of parent.whichChildren()) {
      this.excused.add([...above.split('/').slice(1), id].join('/'));
    }
  }

  #ask(what: string, answer: Promise<unknown>): void {
    const asked: Asked = { what, answered: false };
    this.asked.push(asked);
    answer.then(
      () => {
        asked.answered = true;
      },
      (error: unknown) => {
        asked.answered = true;
        if (!isSupervisionError(error)) this.wrong.push(error);
      },
    );
  }
}

function isRequest(act: Act['act']): boolean {
  return (
    act === 'terminateChild' ||
    act === 'restartChild' ||
    act === 'deleteChild' ||
    act === 'stopHandle' ||
    act === 'restartHandle' ||
    act === 'whenReady'
  );
}

function flat(node: Snapshot): readonly Snapshot[] {
  return [node, ...(node.children ?? []).flatMap(flat)];
}

function leavesOf(spec: ChildSpec, above = ''): readonly string[] {
  const children = (spec as { children?: readonly ChildSpec[] }).children ?? [];
  return children.flatMap((child) => {
    const path = above === '' ? child.id : `${above}/${child.id}`;
    return child.kind === 'fake' ? [path] : leavesOf(child, path);
  });
}
