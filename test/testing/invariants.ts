import type { SupervisionEvent } from '../../src/core/index.js';
import type { AnySupervisorSpec } from '../../src/runtime/index.js';
import type { RandomRun } from './random-run.js';

/** What must be true of the events of any tree, whatever happens to it. Each returns what is wrong, in words. */
export function breaches(events: readonly SupervisionEvent[], policies: Policies): readonly string[] {
  return [...lifeBreaches(events), ...orderBreaches(events), ...intensityBreaches(events, policies)];
}

export interface Policy {
  readonly intensity: number;
  readonly periodMs: number;
}

/** The policy of the supervisor at a path; undefined where there is none that is known. */
export type Policies = (path: string) => Policy | undefined;

export function policiesOf(root: AnySupervisorSpec): Policies {
  const known = new Map<string, Policy>();
  const add = (spec: AnySupervisorSpec, path: string): void => {
    known.set(path, spec.policy as Policy);
    if (spec.kind !== 'supervisor') return;
    for (const child of spec.children)
      if (child.kind !== 'fake') add(child as AnySupervisorSpec, `${path}/${child.id}`);
  };
  add(root, root.id);
  return (path) => known.get(path);
}

interface Life {
  incarnation: number;
  state: 'starting' | 'ready' | 'ended';
}

/** Incarnations are counted one by one, never overlap, and each begins once and ends once. */
function lifeBreaches(events: readonly SupervisionEvent[]): readonly string[] {
  const wrong: string[] = [];
  const lives = new Map<string, Life>();
  const forget = (below: string): void => {
    for (const [path, { state }] of lives) {
      if (!path.startsWith(`${below}/`)) continue;
      if (state !== 'ended') wrong.push(`${path} lives on while ${below} starts anew`);
      lives.delete(path);
    }
  };
  for (const event of events) {
    const at = `at ${event.atMs} ms`;
    if (event.type === 'supervisor:starting') forget(event.supervisor);
    if (event.type === 'child:added' || event.type === 'child:removed') lives.delete(event.child);
    if (event.type === 'child:starting') {
      const { child, incarnation } = event;
      const before = lives.get(child) ?? { incarnation: 0, state: 'ended' };
      if (before.state !== 'ended')
        wrong.push(`${child} starts ${at} while incarnation ${before.incarnation} lives`);
      if (incarnation !== before.incarnation + 1)
        wrong.push(`${child}: incarnation ${incarnation} follows ${before.incarnation} ${at}`);
      lives.set(child, { incarnation, state: 'starting' });
    }
    if (event.type === 'child:ready') {
      const life = lives.get(event.child);
      if (life?.state !== 'starting' || life.incarnation !== event.incarnation)
        wrong.push(`${event.child} is ready ${at} without a start`);
      else life.state = 'ready';
    }
    if (
      event.type === 'child:exited' ||
      event.type === 'child:start-failed' ||
      event.type === 'child:ignored'
    ) {
      const life = lives.get(event.child);
      if (life === undefined || life.state === 'ended' || life.incarnation !== event.incarnation)
        wrong.push(`${event.child} ends ${at} without a life`);
      else if (event.type !== 'child:exited' && life.state === 'ready')
        wrong.push(`${event.child} fails its start ${at}, though it was ready`);
      else life.state = 'ended';
    }
  }
  for (const [path, { state, incarnation }] of lives)
    if (state !== 'ended') wrong.push(`incarnation ${incarnation} of ${path} has no end`);
  return wrong;
}

/** A supervisor that ends asks its children in the reverse order of their addition; one that starts, starts them in order, each when the one before is ready. */
function orderBreaches(events: readonly SupervisionEvent[]): readonly string[] {
  const wrong: string[] = [];
  const order = new Map<string, string[]>();
  const ending = new Map<string, string[]>();
  const starting = new Map<string, string | undefined>();
  // On their way down already when their supervisor ends, for a fault of their own or by request.
  const leaving = new Set<string>();
  for (const event of events) {
    if (event.type === 'child:starting') leaving.delete(event.child);
    if (event.type === 'child:fault') leaving.add(event.child);
    if (event.type === 'supervisor:starting') {
      order.set(event.supervisor, []);
      starting.set(event.supervisor, undefined);
    }
    if (event.type === 'supervisor:ready') starting.delete(event.supervisor);
    if (event.type === 'supervisor:stopping') {
      ending.set(event.supervisor, []);
      starting.delete(event.supervisor);
    }
    if (event.type === 'child:added') order.get(parent(event.child))?.push(event.child);
    if (event.type === 'child:removed') remove(order.get(parent(event.child)) ?? [], event.child);
    if (event.type === 'child:starting' && event.incarnation === 1) {
      const known = order.get(parent(event.child));
      if (known !== undefined && !known.includes(event.child)) known.push(event.child);
    }
    if (event.type === 'child:starting' && starting.has(parent(event.child))) {
      const before = starting.get(parent(event.child));
      if (before !== undefined)
        wrong.push(`${event.child} starts at ${event.atMs} ms before ${before} is ready`);
      starting.set(parent(event.child), event.child);
    }
    if ((event.type === 'child:ready' || event.type === 'child:ignored') && starting.has(parent(event.child)))
      starting.set(parent(event.child), undefined);
    if (event.type === 'child:stopping') {
      const asked = ending.get(parent(event.child));
      if (asked === undefined) leaving.add(event.child);
      else if (!leaving.has(event.child)) asked.push(event.child);
    }
    if (event.type === 'supervisor:stopped') {
      const known = order.get(event.supervisor) ?? [];
      const firsts = [...new Set(ending.get(event.supervisor) ?? [])].map((path) => known.indexOf(path));
      const places = firsts.filter((place) => place >= 0);
      if (places.some((place, n) => n > 0 && place >= (places[n - 1] as number)))
        wrong.push(
          `${event.supervisor} asked its children to end in the order ${ending.get(event.supervisor)}`,
        );
      ending.delete(event.supervisor);
    }
  }
  return wrong;
}

/** Within no period are there more restarts for crashes than the intensity allows. */
function intensityBreaches(events: readonly SupervisionEvent[], policies: Policies): readonly string[] {
  const wrong: string[] = [];
  const restarts = new Map<string, number[]>();
  for (const [at, event] of events.entries()) {
    if (event.type === 'supervisor:starting') restarts.set(event.supervisor, []);
    const before = events[at - 1];
    if (event.type !== 'child:restarting' || before?.type !== 'child:exited' || before.child !== event.child)
      continue;
    const above = parent(event.child);
    const policy = policies(above);
    const times = restarts.get(above);
    if (policy === undefined || times === undefined) continue;
    // It counts from the end itself, which may have had to wait for a round.
    times.push(before.atMs);
    const within = times.filter((atMs) => Math.abs(before.atMs - atMs) <= policy.periodMs).length;
    if (within > policy.intensity)
      wrong.push(`${above} restarts ${within} times within ${policy.periodMs} ms at ${event.atMs} ms`);
  }
  return wrong;
}

/** Once all goes well again, a permanent child that nobody has stopped is up, if its supervisor is. */
export function livenessBreaches(run: RandomRun): readonly string[] {
  return run.supervisors().flatMap(({ path, it }) => {
    if (it.status !== 'ready') return [`supervisor ${path} is ${it.status}`];
    return it.whichChildren().flatMap(({ id, status }) => {
      const child = path === '' ? id : `${path}/${id}`;
      const { restart } = it.getChildSpec(id);
      if (status === 'ready' || (status === 'down' && (restart !== 'permanent' || run.excused.has(child))))
        return [];
      return [`${child} (${restart}) is ${status}`];
    });
  });
}

function parent(path: string): string {
  return path.split('/').slice(0, -1).join('/');
}

function remove(list: string[], item: string): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}
