// Whom chaos may strike, and what each can suffer.

import type { Child, Supervised } from 'treewarden';
import type { Strike, Victim } from './chaos.js';
import type { Sabotage } from './sabotage.js';
import type { mainJobTree } from './tree.js';

export type MainJob = Supervised<ReturnType<typeof mainJobTree>>;

/** Every consumer. Those in this process cannot be killed from outside, as nothing can that runs in it. */
export function victimsOf(app: MainJob, sabotage: Sabotage): readonly Victim[] {
  const forks = [app.child('consumers/fork-a'), app.child('consumers/fork-b')];
  const thread = app.child('consumers/thread');
  const task = app.child('consumers/task');
  return [
    ...forks.map((fork) =>
      victim(fork, ['kill', 'throw', 'hang'], (strike) =>
        strike === 'kill' ? fork.signal('SIGKILL') : fork.cast('suffer', [strike]),
      ),
    ),
    victim(thread, ['throw', 'hang'], (strike) => strike !== 'kill' && thread.cast('suffer', [strike])),
    victim(task, ['throw', 'hang'], (strike) => strike !== 'kill' && sabotage.order(strike)),
  ];
}

function victim(child: Child, canSuffer: readonly Strike[], suffer: Victim['suffer']): Victim {
  return {
    id: child.id,
    canSuffer,
    isUp: () => child.status === 'ready',
    incarnation: () => child.incarnation,
    suffer,
  };
}
