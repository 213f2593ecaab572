import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endAll, type Ground, Host, type Plan } from './host.js';
import { added, isThere, look, nameOf, removeTrace } from './machine.js';

/** What is not the runs': made by others, or held by another program in the same state directory. None of it may ever be touched. */
export interface Foreign {
  /** What of it is gone, in words. */
  complaints(): readonly string[];
  /** Removes it. */
  end(): Promise<void>;
}

/**
 * Plants objects with names like those of the runs, and starts a neighbour: a living program in the same scope, which holds one of each kind.
 */
export async function plantForeign(ground: Ground): Promise<Foreign> {
  const plan = neighbourPlan(ground);
  const before = look(plan);
  mkdirSync(plan.workDir, { recursive: true });
  plantFiles(plan);
  // Made by programs that have ended since, as what a dead host leaves behind.
  for (const what of [
    ['-M', '4096'],
    ['-S', '2'],
  ])
    spawnSync('ipcmk', what);
  const planted = added(before, look(plan));
  const neighbour = new Host(plan);
  const held = (await neighbour.says('has')).things ?? [];
  return {
    complaints: () =>
      [...planted, ...held]
        .filter((trace) => !isThere(trace, plan))
        .map((trace) => `${nameOf(trace)} was somebody else's, and is gone`),
    async end() {
      endAll(plan.mark);
      await neighbour.ended;
      for (const trace of added(before, look(plan))) removeTrace(trace);
    },
  };
}

function neighbourPlan({ scope, stateDir, memoryDir, folder }: Ground): Plan {
  const mark = `${scope}-neighbour`;
  const workDir = join(folder, mark);
  return { who: 'registry', mode: 'hold', afterMs: 0, seed: 0, scope, stateDir, memoryDir, workDir, mark };
}

/** Names that only differ at their end from those that the library gives. */
function plantFiles({ memoryDir, workDir, mark, scope }: Plan): void {
  const uid = process.getuid?.() ?? 0;
  const names = [
    `treewarden-${uid}.${scope}x.${mark}-held-mutex`,
    `${mark}-held-posix-memory.old`,
    `sem.${mark}.old`,
  ];
  for (const name of names) writeFileSync(join(memoryDir, name), 'somebody else’s');
  for (const name of ['held.pid', 'held.sock.old']) writeFileSync(join(workDir, name), '1\n');
}
