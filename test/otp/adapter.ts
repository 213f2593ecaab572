/**
 * Performs a scenario of OTP's recorded traces with treewarden, and returns the trace in OTP's words, so that the two can be compared.
 *
 * It is TypeScript and imports the sources. To run a comparer of traces against it, on any Node from 20.19:
 *
 *     node compare.mjs --impl test/otp/adapter.mjs                 (loads this file through tsx, a dev dependency)
 *     node --import tsx compare.mjs --impl test/otp/adapter.ts     (the same, without the detour)
 *
 * Only this file knows OTP's terms. Two keys of OTP's child specs have no counterpart here and are answered by the adapter itself:
 * `modules`, which is about code upgrades, and `info`, which a start function hands back.
 */
import {
  describeExit,
  type Exit,
  InvalidSpecError,
  noBackoff,
  StartError,
  type SupervisionEvent,
  UnknownChildError,
  WrongStateError,
} from '../../src/core/index.js';
import { Branch } from '../../src/runtime/branch.js';
import {
  type ChildDriver,
  type ChildSpec,
  dynamic,
  Environment,
  type Incarnation,
  type IncarnationHost,
  supervisor,
} from '../../src/runtime/index.js';
import type { Life } from '../../src/runtime/life.js';
import {
  countChildren,
  deleteChild,
  restartChild,
  startChild,
  terminateChild,
} from '../../src/runtime/requests.js';
import type { Slot } from '../../src/runtime/slot.js';
import type { AnySupervisorSpec } from '../../src/runtime/tree.js';
import { StepClock } from './step-clock.js';

type Term = unknown;
type Reason = 'normal' | 'shutdown' | 'shutdown_term' | 'error' | 'kill';

/** A supervisor or worker of a scenario, as recorded: any key may be absent, or wrong on purpose. */
interface Node {
  readonly id: string;
  readonly type?: string;
  readonly children?: readonly Node[];
  readonly strategy?: string;
  readonly on_shutdown?: string;
  readonly shutdown?: number | string;
  readonly restart?: string;
  readonly start?: unknown;
  readonly modules?: unknown;
  readonly info?: unknown;
  readonly [key: string]: unknown;
}

interface Call {
  readonly op: string;
  readonly id: string;
  readonly instance?: string;
  readonly spec?: Node;
}

interface Step extends Call {
  readonly sup: string;
  readonly ids: readonly string[];
  readonly reason: Reason;
  readonly k?: number;
  readonly mode?: string;
  readonly calls?: readonly Call[];
}

export interface Scenario {
  readonly name: string;
  readonly tags?: readonly string[];
  readonly tree: Node;
  readonly arm?: readonly Step[];
  readonly steps: readonly Step[];
}

export type TraceLine = Readonly<Record<string, unknown>>;

/** Performs one scenario in memory, in virtual time. */
export async function perform(scenario: Scenario): Promise<TraceLine[]> {
  return new World(scenario).run();
}

const EXITS: Record<Reason, Exit> = {
  normal: { type: 'completed' },
  shutdown: { type: 'shutdown' },
  shutdown_term: { type: 'shutdown', detail: 't' },
  error: { type: 'failed', error: { name: 'Error', message: 'error' } },
  kill: { type: 'killed' },
};

const ANSWERS: Record<string, Exit> = {
  shutdown: EXITS.shutdown,
  normal: EXITS.normal,
  shutdown_term: EXITS.shutdown_term,
  error: { type: 'failed', error: { name: 'Error', message: 'cleanup_failed' } },
};

interface Armed {
  left: number;
  readonly mode: string;
  calls: readonly Call[];
}

class World {
  readonly scenario: Scenario;
  readonly clock = new StepClock();
  readonly environment = new Environment({ clock: this.clock });
  readonly branches = new Map<string, Branch>();
  readonly workers = new Map<string, Worker>();
  readonly instances = new Set<string>();
  readonly starts = new Map<string, number>();
  readonly armed = new Map<string, Armed>();
  /** Unclean stops of instances, told together once their supervisor has ended. */
  readonly collected = new Map<string, Map<string, number>>();
  readonly nodes = new Map<string, Node>();
  lines: { readonly line: TraceLine; readonly group: string | undefined }[] = [];
  replies: { op: string; ret: Term }[] = [];
  root: Branch | undefined;
  failed: Term;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
  }

  async run(): Promise<TraceLine[]> {
    const { scenario } = this;
    for (const step of scenario.arm ?? []) this.arm(step);
    const trace: TraceLine[] = [{ ev: 'scenario', name: scenario.name }];
    const started = this.begin(scenario.tree);
    await this.clock.settle();
    trace.push(...this.flush(0, 'init', started ?? this.startResult()));
    for (const [at, step] of scenario.steps.entries()) {
      const answer = this.perform(step);
      await this.clock.settle();
      trace.push(...this.flush(at + 1, step.op, await answer));
    }
    return trace;
  }

  begin(tree: Node): Term {
    let spec: AnySupervisorSpec;
    try {
      spec = this.supervisorSpec(tree);
    } catch (error) {
      this.say({ ev: 'init', id: tree.id });
      this.failed = specTerm(error as InvalidSpecError, tree);
      this.say({ ev: 'start_failed', id: tree.id, reason: this.failed });
      return ['error', this.failed];
    }
    this.root = new Branch(spec, this.environment);
    this.root.emitter.on('*', (event) => this.hear(event));
    this.launch(tree.id, this.root);
    this.root.begin();
    return undefined;
  }

  startResult(): Term {
    if (this.root?.phase === 'ready') return ['ok', '<pid>'];
    this.failed ??= this.root?.finalExit === undefined ? undefined : exitTerm(this.root.finalExit);
    return ['error', this.failed];
  }

  launch(id: string, branch: Branch): void {
    this.branches.set(id, branch);
    this.bump(id);
    this.say({ ev: 'init', id });
  }

  // --- Steps ---------------------------------------------------------------------------------------------------------------------------

  perform(step: Step): Promise<Term> | Term {
    switch (step.op) {
      case 'crash': {
        const worker = this.workers.get(step.id);
        worker?.die(EXITS[step.reason], true);
        return worker === undefined ? 'not_alive' : 'ok';
      }
      case 'crash_many': {
        const alive =
          this.alive(step.sup) === undefined ? [] : step.ids.flatMap((id) => this.workers.get(id) ?? []);
        for (const worker of alive) worker.die(EXITS[step.reason], true);
        return alive.length === 0 ? 'not_alive' : 'ok';
      }
      case 'stop_sup':
        return this.end(this.alive(step.id), EXITS[step.reason]);
      case 'shutdown':
        return this.end(this.alive(this.scenario.tree.id), EXITS.shutdown);
      case 'fail_next':
        this.arm(step);
        return 'ok';
      default: {
        const branch = this.alive(step.sup);
        return branch === undefined ? 'not_alive' : this.call(branch, step);
      }
    }
  }

  end(branch: Branch | undefined, exit: Exit): Term {
    branch?.end(exit, Number.POSITIVE_INFINITY);
    return branch === undefined ? 'not_alive' : 'ok';
  }

  arm(step: Step): void {
    this.armed.set(step.id, { left: step.k ?? 1, mode: step.mode ?? 'error', calls: step.calls ?? [] });
  }

  alive(id: string): Branch | undefined {
    const branch = this.branches.get(id);
    return branch?.phase === 'ready' ? branch : undefined;
  }

  async call(branch: Branch, call: Call): Promise<Term> {
    try {
      return await this.answer(branch, call);
    } catch (error) {
      return this.refusal(branch, call, error);
    }
  }

  async answer(branch: Branch, call: Call): Promise<Term> {
    const id =
      branch.isDynamic && call.instance !== undefined
        ? (this.instance(branch, call.instance)?.id ?? '')
        : call.id;
    switch (call.op) {
      case 'start_child':
        return this.started(await startChild(branch, [this.startArgument(branch, call)]), branch, call.spec);
      case 'restart_child':
        return this.started(await restartChild(branch, id), branch, this.nodes.get(id));
      case 'terminate_child':
        await terminateChild(branch, id);
        return 'ok';
      case 'delete_child':
        await deleteChild(branch, id);
        return 'ok';
      case 'get_childspec':
        return this.childSpec(branch, id);
      case 'which_children':
        return inMailbox(branch, () => (branch.isDynamic ? instanceList(branch) : childList(branch)));
      case 'count_children':
        return inMailbox(branch, () => counts(countChildren(branch)));
      default:
        throw new Error(`no such call: ${call.op}`);
    }
  }

  startArgument(branch: Branch, call: Call): unknown {
    if (branch.isDynamic) return call.instance;
    const node = call.spec as Node;
    const spec = this.childSpecOf(node);
    return spec;
  }

  started(slot: Slot, branch: Branch, node: Node | undefined): Term {
    if (slot.status !== 'ready') return ['ok', 'undefined'];
    const info = branch.isDynamic ? this.template(branch).info : (node ?? this.nodes.get(slot.id))?.info;
    return info === undefined ? ['ok', '<pid>'] : ['ok', '<pid>', info];
  }

  childSpec(branch: Branch, id: string): Term {
    const template = branch.isDynamic ? this.template(branch) : undefined;
    const node = template === undefined ? this.nodes.get(id) : template.id === id ? template : undefined;
    const slot = branch.slots.get(id);
    if (node === undefined || (template === undefined && slot === undefined)) return ['error', 'not_found'];
    const settings = slot?.settings ?? { restart: 'permanent', significant: false, shutdown: 5000, ...node };
    const { restart, significant, shutdown } = settings;
    return ['ok', { restart, significant: String(significant), shutdown, type: node.type ?? 'worker' }];
  }

  refusal(branch: Branch, call: Call, error: unknown): Term {
    if (error instanceof InvalidSpecError) return ['error', ruleTerm(error, call.spec as Node)];
    if (error instanceof StartError) {
      const reason = exitTerm(error.exit);
      return ['error', call.op === 'start_child' && !branch.isDynamic ? [reason, '<child>'] : reason];
    }
    if (error instanceof UnknownChildError) return this.unknown(branch, call);
    if (!(error instanceof WrongStateError)) throw error;
    if (error.obstacle === 'stopping')
      return ['exit', branch.finalExit === undefined ? undefined : exitTerm(branch.finalExit)];
    return ['error', error.obstacle === 'already_started' ? ['already_started', '<pid>'] : error.obstacle];
  }

  /** OTP answers ok for the pid of any instance that has ever been; here such an instance is unknown. */
  unknown(branch: Branch, call: Call): Term {
    if (!branch.isDynamic) return ['error', 'not_found'];
    return call.instance !== undefined && this.instances.has(call.instance)
      ? 'ok'
      : ['error', 'simple_one_for_one'];
  }

  // --- Specs ---------------------------------------------------------------------------------------------------------------------------

  supervisorSpec(node: Node): AnySupervisorSpec {
    const policy = {
      ...pick(node, ['strategy', 'intensity', 'restart', 'significant', 'shutdown']),
      ...('period' in node ? { periodMs: Number(node.period) * 1000 } : {}),
      ...('auto_shutdown' in node ? { autoShutdown: node.auto_shutdown } : {}),
      backoff: noBackoff(),
      giveUpAs: 'shutdown',
    };
    this.nodes.set(node.id, node);
    const spec =
      node.strategy === 'simple_one_for_one' ? this.dynamicSpec(node, policy) : this.staticSpec(node, policy);
    return { ...spec, driver: this.scripted(node, spec.driver) } as AnySupervisorSpec;
  }

  staticSpec(node: Node, policy: object): AnySupervisorSpec {
    const children = () => (node.children ?? []).map((child) => this.childSpecOf(child));
    // The flags are checked before any child, as in OTP, where a child's spec is not even looked at before.
    supervisor(node.id, { ...policy, significant: false } as never);
    return supervisor(node.id, { ...policy, stopOrder: 'reverse', children: children() } as never);
  }

  dynamicSpec(node: Node, policy: object): AnySupervisorSpec {
    const { strategy: _, ...rest } = policy as { strategy: string };
    const children = node.children ?? [];
    const template = (instance: string): ChildSpec => ({
      ...this.childSpecOf(this.template(node.id)),
      driver: this.instanceDriver(instance, node.id),
    });
    return dynamic(node.id, children.length === 1 ? template : (children as never), rest as never);
  }

  template(of: Branch | string): Node {
    const node = this.nodes.get(typeof of === 'string' ? of : of.spec.id);
    return node?.children?.[0] as Node;
  }

  childSpecOf(node: Node): ChildSpec {
    if (typeof node !== 'object') return node;
    if (node.type === 'supervisor') return this.nestedSpec(node);
    checkModules(node);
    if ('id' in node) this.nodes.set(node.id, node);
    const driver = node.start === undefined ? this.scripted(node, undefined) : (node.start as ChildDriver);
    // OTP knows two types of child; any other word stands for a kind that is none.
    const kind = node.type === undefined || node.type === 'worker' ? 'worker' : ({ not: node.type } as never);
    return { ...pick(node, ['id', 'restart', 'significant', 'shutdown']), kind, driver } as ChildSpec;
  }

  /** A nested supervisor whose spec is wrong fails when it is started, in OTP; here its spec cannot even be made. */
  nestedSpec(node: Node): ChildSpec {
    try {
      return this.supervisorSpec(node);
    } catch (thrown) {
      const reason = specTerm(thrown as InvalidSpecError, node);
      const start = (host: IncarnationHost): Incarnation => {
        this.say({ ev: 'init', id: node.id });
        this.say({ ev: 'start_failed', id: node.id, reason });
        host.exited({ type: 'not-started', error: { name: 'term', message: '', thrown: reason } });
        return NOBODY;
      };
      return {
        ...pick(node, ['id', 'restart', 'significant', 'shutdown']),
        kind: 'supervisor',
        driver: { start },
      } as ChildSpec;
    }
  }

  instanceDriver(instance: string, sup: string): ChildDriver {
    return this.scripted({ ...this.template(sup), id: instance }, undefined, sup);
  }

  // --- Drivers -------------------------------------------------------------------------------------------------------------------------

  /** Starts what the scenario says: a failure that was armed, or a worker, or `inner`, a supervisor. */
  scripted(node: Node, inner: ChildDriver | undefined, group?: string): ChildDriver {
    const { id } = node;
    const start = (host: IncarnationHost): Incarnation => {
      const refused = this.refused(id, host);
      if (refused !== undefined) return refused;
      if (inner === undefined) return this.work(node, host, group);
      this.bump(id);
      this.say({ ev: 'init', id });
      const branch = inner.start(host) as Branch;
      this.branches.set(id, branch);
      return branch;
    };
    return inner === undefined ? { start } : { ...inner, start };
  }

  refused(id: string, host: IncarnationHost): Incarnation | undefined {
    const armed = this.armed.get(id);
    if (armed === undefined || armed.left <= 0) return undefined;
    armed.left -= 1;
    const caller = (host as Life).slot.owner as Branch;
    for (const call of armed.calls) this.reply(caller, call);
    armed.calls = [];
    this.say({ ev: armed.mode === 'ignore' ? 'start_ignored' : 'start_failed', id });
    if (armed.mode === 'ignore') host.ignored();
    else host.exited({ type: 'not-started', error: { name: 'term', message: 'refused', thrown: 'refused' } });
    return NOBODY;
  }

  reply(caller: Branch, call: Call): void {
    const reply: { op: string; ret: Term } = { op: call.op, ret: undefined };
    this.replies.push(reply);
    void this.call(caller, call).then((ret) => {
      reply.ret = ret;
    });
  }

  work(node: Node, host: IncarnationHost, group: string | undefined): Worker {
    const { id } = node;
    if (group !== undefined) this.instances.add(id);
    const worker = new Worker(this, node, this.bump(id), host, group);
    this.workers.set(id, worker);
    this.say({ ev: 'start', id, n: worker.n });
    host.ready();
    return worker;
  }

  bump(id: string): number {
    const n = (this.starts.get(id) ?? 0) + 1;
    this.starts.set(id, n);
    return n;
  }

  instance(branch: Branch, name: string): Slot | undefined {
    return [...branch.slots.values()].findLast(
      (slot) =>
        (slot.life?.body as Worker | undefined)?.id === name ||
        slot.id.startsWith(`${this.template(branch).id}:${name}-`),
    );
  }

  // --- Events --------------------------------------------------------------------------------------------------------------------------

  say(line: TraceLine, group?: string): void {
    this.lines.push({ line, group });
  }

  hear(event: SupervisionEvent): void {
    switch (event.type) {
      case 'supervisor:ready':
        return this.say({
          ev: 'start',
          id: leaf(event.supervisor),
          n: this.starts.get(leaf(event.supervisor)),
        });
      case 'supervisor:stopped':
        return this.ended(leaf(event.supervisor), event.exit);
      case 'supervisor:gave-up':
        return this.report(event.supervisor, 'shutdown', event.child, 'reached_max_restart_intensity');
      case 'child:start-failed':
        if (event.context !== 'request')
          this.report(parent(event.child), 'start_error', event.child, exitTerm(event.exit));
        return;
      case 'child:exited': {
        if (event.expected) return;
        return this.report(
          parent(event.child),
          event.asked ? 'shutdown_error' : 'child_terminated',
          event.child,
          exitTerm(event.exit),
        );
      }
    }
  }

  ended(id: string, exit: Exit): void {
    const reason = exitTerm(exit);
    if (exit.type === 'child-not-started') return this.say({ ev: 'start_failed', id, reason });
    for (const [why, count] of this.collected.get(id) ?? []) {
      this.say({
        ev: 'report',
        sup: id,
        context: 'shutdown_error',
        child: this.template(id).id,
        reason: JSON.parse(why),
        count,
      });
    }
    this.collected.delete(id);
    this.say({ ev: 'stop', id, n: this.starts.get(id), reason });
  }

  report(sup: string, context: string, child: string, reason: Term): void {
    const id = leaf(sup);
    const branch = this.branches.get(id);
    if (branch?.isDynamic !== true)
      return this.say({ ev: 'report', sup: id, context, child: leaf(child), reason });
    if (context === 'shutdown_error' && branch.phase === 'stopping') {
      const byReason = this.collected.get(id) ?? new Map<string, number>();
      this.collected.set(id, byReason);
      byReason.set(JSON.stringify(reason), (byReason.get(JSON.stringify(reason)) ?? 0) + 1);
      return;
    }
    this.say({ ev: 'report', sup: id, context, child: this.template(branch).id, reason });
  }

  flush(step: number, op: string, ret: Term): TraceLine[] {
    const events = inNoOrder(this.lines);
    this.lines = [];
    const sups: Record<string, Term> = {};
    for (const [id, branch] of [...this.branches].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (branch.phase === 'ready') sups[id] = this.state(branch);
    }
    const replies = this.replies.length > 0 ? { replies: this.replies } : {};
    this.replies = [];
    return [...events, { ev: 'state', step, op, ret, ...replies, sups, root: this.rootState() }];
  }

  state(branch: Branch): Term {
    const slots = [...branch.slots.values()];
    const active = slots.filter((slot) => slot.alive).length;
    const sups = slots.filter((slot) => this.nodes.get(slot.id)?.type === 'supervisor').length;
    if (branch.isDynamic) {
      const names = slots.map((slot) => (slot.life?.body as Worker | undefined)?.id ?? slot.id).sort();
      return { children: names.map((name) => [name, 'running']), counts: [1, active, 0, slots.length] };
    }
    return { children: childList(branch), counts: [slots.length, active, sups, slots.length - sups] };
  }

  rootState(): Term {
    if (this.root?.phase === 'ready') return { alive: true };
    if (this.failed !== undefined) return { alive: false, reason: ['start_failed', this.failed] };
    return { alive: false, reason: exitTerm(this.root?.finalExit as Exit) };
  }
}

/** A worker that does what its scenario says. */
class Worker implements Incarnation {
  readonly #world: World;
  readonly #node: Node;
  readonly n: number;
  readonly #host: IncarnationHost;
  readonly #group: string | undefined;
  #dead = false;

  constructor(world: World, node: Node, n: number, host: IncarnationHost, group: string | undefined) {
    this.#world = world;
    this.#node = node;
    this.n = n;
    this.#host = host;
    this.#group = group;
  }

  get id(): string {
    return this.#node.id;
  }

  drain(): void {
    this.#host.drained();
  }

  stop(withinMs: number): void {
    const how = this.#node.on_shutdown ?? 'shutdown';
    // A time of 0 is over before any answer.
    if (how !== 'hang' && withinMs > 0) this.die(ANSWERS[how] as Exit, false);
  }

  kill(): void {
    this.die(EXITS.kill, false);
  }

  die(exit: Exit, byScenario: boolean): void {
    if (this.#dead) return;
    this.#dead = true;
    const { workers } = this.#world;
    if (workers.get(this.id) === this) workers.delete(this.id);
    const reason = exitTerm(exit);
    this.#world.say({ ev: 'stop', id: this.id, n: this.n, reason }, byScenario ? undefined : this.#group);
    this.#host.exited(exit);
  }
}

const NOBODY: Incarnation = { drain: () => undefined, stop: () => undefined, kill: () => undefined };

function inMailbox<T>(branch: Branch, read: () => T): Promise<T> {
  return new Promise((resolve, refuse) => {
    branch.request({ type: 'call', operation: 'read', run: () => resolve(read()), refuse });
  });
}

function childList(branch: Branch): Term[] {
  return [...branch.slots.values()].reverse().map((slot) => [slot.id, word(slot)]);
}

function instanceList(branch: Branch): Term[] {
  return [...branch.slots.values()].map((slot) => ['undefined', word(slot)]);
}

function word(slot: Slot): string {
  if (slot.status === 'waiting') return 'restarting';
  return slot.alive ? 'running' : 'undefined';
}

function counts(count: { specs: number; active: number; supervisors: number; workers: number }): Term {
  return [count.specs, count.active, count.supervisors, count.workers];
}

/** Exits in Erlang's terms. */
function exitTerm(exit: Exit): Term {
  switch (exit.type) {
    case 'completed':
      return 'normal';
    case 'shutdown':
      return exit.detail === undefined ? 'shutdown' : ['shutdown', exit.detail];
    case 'killed':
      return 'killed';
    case 'failed':
      return exit.error.message;
    case 'not-started':
      return exit.error.thrown;
    case 'child-not-started':
      return ['shutdown', ['failed_to_start_child', leaf(exit.child), exitTerm(exit.exit)]];
    default:
      return describeExit(exit);
  }
}

const FLAG_RULES: Record<string, string> = {
  invalid_strategy: 'strategy',
  invalid_intensity: 'intensity',
  invalid_period: 'period',
  invalid_auto_shutdown: 'auto_shutdown',
};

/** Why a supervisor's start fails for a wrong spec. */
function specTerm(error: InvalidSpecError, node: Node): Term {
  const flag = FLAG_RULES[error.rule];
  if (flag !== undefined) return ['supervisor_data', [error.rule, node[flag]]];
  if (error.rule === 'bad_start_spec') return ['bad_start_spec', (node.children ?? []).map(() => '<map>')];
  const culprit = node.children?.find((child) => `"${child.id}"` === error.subject) ?? ({} as Node);
  return [
    'start_spec',
    error.rule === 'duplicate_child_name' ? [error.rule, error.value] : ruleTerm(error, culprit),
  ];
}

/** What is wrong with a child's spec. */
function ruleTerm(error: InvalidSpecError, node: Node): Term {
  switch (error.rule) {
    case 'missing_id':
    case 'missing_start':
      return error.rule;
    case 'invalid_child_spec':
      return [error.rule, node];
    case 'invalid_start':
      return ['invalid_mfa', node.start];
    case 'invalid_child_type':
      return [error.rule, node.type];
    case 'bad_combination':
      return [
        error.rule,
        [
          error.expected.includes('permanent') ? ['restart', 'permanent'] : ['auto_shutdown', 'never'],
          ['significant', 'true'],
        ],
      ];
    case 'invalid_option':
      return [error.field === 'modules' ? 'invalid_modules' : 'invalid_module', error.value];
    default:
      return [error.rule, error.value];
  }
}

/** `modules` says which code an upgrade concerns; nothing corresponds to it here, so the adapter checks it as OTP would. */
function checkModules(node: Node): void {
  const { modules } = node;
  if (modules === undefined || modules === 'dynamic') return;
  const subject = `"${node.id}"`;
  const raise = (field: string, value: unknown): never => {
    throw new InvalidSpecError(subject, {
      rule: 'invalid_option',
      field,
      value,
      expected: 'a list of modules',
    });
  };
  if (!Array.isArray(modules)) return raise('modules', modules);
  const bad: unknown = modules.find((name) => typeof name !== 'string');
  if (bad !== undefined) raise('module', bad);
}

function pick(node: Node, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.filter((key) => key in node).map((key) => [key, node[key]]));
}

function leaf(path: string): string {
  return path.split('/').at(-1) as string;
}

function parent(path: string): string {
  return path.split('/').slice(0, -1).join('/');
}

/** Instances of one supervisor stop in no defined order: a run of such stops is sorted, and marked. */
function inNoOrder(
  lines: readonly { readonly line: TraceLine; readonly group: string | undefined }[],
): TraceLine[] {
  const out: TraceLine[] = [];
  for (let at = 0; at < lines.length; ) {
    const { line, group } = lines[at] as (typeof lines)[number];
    let end = at + 1;
    while (group !== undefined && lines[end]?.group === group) end += 1;
    if (end - at === 1) out.push(line);
    else {
      const run = lines.slice(at, end).map((entry) => ({ ...entry.line, unordered: true }) as TraceLine);
      out.push(...run.sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1)));
    }
    at = end;
  }
  return out;
}
