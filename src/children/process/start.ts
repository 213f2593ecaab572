import type { IncarnationHost } from '../../runtime/index.js';
import { inheritanceOf } from './inheritance.js';
import { Launched } from './launch/launched.js';
import { planSpawn } from './launch/plan.js';
import type { ProcessOutput } from './output/streams.js';
import type { Provisions } from './preparation.js';
import type { ProcessLaunch } from './process-launch.js';
import { spawnError } from './spawn-failure.js';
import { ownSpawner, SPAWNER, type Spawner } from './spawned.js';

/** A process that is being started, and what is known of it by then. */
export interface Start {
  readonly launched: Launched;
  /** Is in the mark of all its processes. */
  readonly token: string | undefined;
  /** Where the pipe is by which a program in the background is followed. */
  readonly lifelineFd: number | undefined;
}

/**
 * Starts a program as its options want it, by the spawner of its tree.
 * @throws SpawnError for what is refused at once, CapabilityError for what this machine cannot do
 */
export function startProgram(
  host: IncarnationHost,
  launch: ProcessLaunch,
  output: ProcessOutput,
  { marking, lockFd }: Provisions,
): Start {
  const { inherited, lifelineFd } = inheritanceOf(launch, lockFd);
  const plan = planSpawn(launch, {
    child: host.path,
    output: output.stdio(),
    inherited,
    env: marking?.env ?? {},
  });
  const spawner = host.services.get<Spawner>(SPAWNER) ?? ownSpawner;
  try {
    return { launched: new Launched(spawner, plan, launch, host), token: marking?.token, lifelineFd };
  } catch (error) {
    // Node throws some refusals of the operating system, such as E2BIG, and reports others by 'error'.
    throw spawnError(host.path, launch, error);
  }
}
