import { posix } from 'node:path';
import type { House, Reserved, Room } from './house.js';
import { type Inspection, inspect, type Mention, type Source } from './inspect.js';

/** Every breach of the house's rules in these sources, one sentence each. */
export function breaches(sources: readonly Source[], house: House): readonly string[] {
  const inspections = sources.map(inspect);
  return [
    ...inspections.flatMap((inspection) => breachesOf(inspection, house)),
    ...cycles(graphOf(inspections)).map(
      (cycle) => `rooms import each other in a circle: ${cycle.join(' -> ')}`,
    ),
  ];
}

/** The room a path lies in: its first folder, or the file itself at the top. */
export function roomOf(path: string): string {
  return path.split('/')[0] ?? path;
}

function breachesOf(inspection: Inspection, house: House): readonly string[] {
  const name = roomOf(inspection.path);
  const room = house.rooms[name];
  if (room === undefined) return [`${inspection.path}: there is no room "${name}"`];
  return [
    ...inspection.imports.flatMap((it) =>
      say(inspection, it, importBreach(inspection.path, it.name, room, house)),
    ),
    ...house.reserved.flatMap((reserved) => reservedBreaches(inspection, reserved)),
  ];
}

function say({ path }: Inspection, { line }: Mention, breach: string | undefined): readonly string[] {
  return breach === undefined ? [] : [`${path}:${line}: ${breach}`];
}

function importBreach(from: string, specifier: string, room: Room, house: House): string | undefined {
  if (specifier.startsWith('node:')) {
    return room.node ? undefined : `${roomOf(from)} imports nothing from Node, yet here is "${specifier}"`;
  }
  if (specifier.startsWith('.')) return roomBreach(from, targetOf(from, specifier), room, house);
  return packageBreach(from, specifier, house);
}

function roomBreach(from: string, target: string, room: Room, house: House): string | undefined {
  const [here, there] = [roomOf(from), roomOf(target)];
  if (target.startsWith('..')) return `"${target}" lies outside src/`;
  if (here === there || room.imports.includes(target)) return undefined;
  if (!room.imports.includes(there)) return `${here} may not import ${there} ("${target}")`;
  const door = there.endsWith('.ts') ? there : `${there}/index.ts`;
  if (target === door || house.rooms[there]?.doors?.includes(target)) return undefined;
  return `"${target}" is behind the door of ${there}; import ${door}`;
}

function packageBreach(from: string, specifier: string, house: House): string | undefined {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const rooms = house.packages[name];
  if (rooms === undefined) return `the package "${name}" has no room (Node's own modules start with "node:")`;
  return rooms.includes(roomOf(from)) ? undefined : `"${name}" stays in ${rooms.join(', ')}`;
}

function reservedBreaches(inspection: Inspection, reserved: Reserved): readonly string[] {
  const { path } = inspection;
  if (reserved.except.includes(path) || reserved.except.includes(roomOf(path))) return [];
  return [
    ...inspection.uses.filter((it) => reserved.uses.includes(it.name)),
    ...inspection.imports.filter((it) => reserved.modules.includes(it.name)),
  ].map((it) => `${path}:${it.line}: "${it.name}" is not for this file: ${reserved.because}`);
}

/** `./x.js` seen from `core/y.ts` is `core/x.ts`. */
function targetOf(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
}

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

function graphOf(inspections: readonly Inspection[]): Graph {
  const graph = new Map<string, Set<string>>();
  for (const { path, imports } of inspections) {
    const reached = graph.get(roomOf(path)) ?? new Set();
    graph.set(roomOf(path), reached);
    for (const { name } of imports.filter((it) => it.name.startsWith('.'))) {
      const there = roomOf(targetOf(path, name));
      if (there !== roomOf(path)) reached.add(there);
    }
  }
  return graph;
}

/** The circles in a graph, each reported once, from its alphabetically first member. */
export function cycles(graph: Graph): readonly (readonly string[])[] {
  const found: string[][] = [];
  const walk = (trail: readonly string[]): void => {
    const [first = ''] = trail;
    for (const next of graph.get(trail.at(-1) ?? '') ?? []) {
      if (next === first) found.push([...trail, next]);
      else if (next > first && !trail.includes(next)) walk([...trail, next]);
    }
  };
  for (const room of graph.keys()) walk([room]);
  return found;
}
