import { type ChildProcess, spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Entry, Ledger, Written } from '../../../src/resources/guard/entry.js';
import { type Home, OwnedScope } from '../../../src/resources/registry/owned-scope.js';
import type { Claim, Make } from '../../../src/resources/site.js';
import { type OwnedGroup, systemClock } from '../../../src/runtime/index.js';
import { ended, runs } from '../trial.js';

/** A registry of which only its scopes are real: what they make are words, and what they do with them is written down. */
class Words {
  readonly log: string[] = [];
  /** What is listed and not dropped. */
  readonly listed = new Set<Written>();
  guarded = true;
  failing = '';

  scope(group?: OwnedGroup): OwnedScope {
    return new OwnedScope({ path: 'shop/api', incarnation: 1, group }, this.#home);
  }

  get types(): readonly Entry['type'][] {
    return [...this.listed].map(({ entry }) => entry.type);
  }

  get #home(): Home {
    const words = this;
    return {
      ledger: this.#ledger,
      clock: systemClock,
      get guarded() {
        return words.guarded;
      },
      makeOf: () => this.#make,
      // Safe: what is made here looks at its ledger alone.
      site: (parts) => parts as ReturnType<Home['site']>,
      sweepThreads: async () => void this.log.push('sweeps threads'),
      closed: () => void this.log.push('closed'),
    };
  }

  get #ledger(): Ledger {
    const want = (entry: Entry): Written => {
      const written: Written = {
        entry,
        have: () => undefined,
        leave: () => undefined,
        drop: () => void this.listed.delete(written),
      };
      this.listed.add(written);
      return written;
    };
    return { path: '', written: [], want, close: () => undefined };
  }

  readonly #make: Make = async ({ name = '' }, { ledger }): Promise<Claim> => {
    const written = ledger.want({ type: 'command', argv: [name] });
    const releaseSync = (): void => {
      this.log.push(`releases ${name}`);
      if (name === this.failing) throw new Error(`cannot release ${name}`);
      written.drop();
    };
    return { name, facts: undefined, release: async () => releaseSync(), releaseSync };
  };
}

/** A group that runs until it is killed. */
function sleeper(): { readonly program: ChildProcess; readonly group: OwnedGroup } {
  const program = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  return { program, group: { pid: program.pid as number, graceMs: 0 } };
}

const named = (name: string) => ({ kind: 'custom', name });

describe('a scope', () => {
  test('that has closed lists nothing, and is forgotten by its registry', async () => {
    const words = new Words();
    const { program, group } = sleeper();
    const scope = words.scope(group);
    await scope.grant(named('a'));
    expect(words.types).toEqual(['group', 'command']);
    expect(await scope.close()).toEqual([]);
    expect([words.types, words.log]).toEqual([[], ['releases a', 'closed']]);
    await ended(program);
  });

  test('without a process of its own has what its threads mapped unmapped', async () => {
    const words = new Words();
    const scope = words.scope();
    await scope.grant(named('a'));
    await scope.close();
    expect(words.log).toEqual(['releases a', 'sweeps threads', 'closed']);
  });

  test('keeps nothing of what could not be given back, or not be made', async () => {
    const words = new Words();
    words.failing = 'a';
    const scope = words.scope();
    const { number } = await scope.grant(named('a'));
    await expect(scope.giveBack(number)).rejects.toThrow('cannot release a');
    expect(scope.status).toEqual([]);
    expect(await scope.close()).toEqual([]);
    expect(words.log).toEqual(['releases a', 'closed']);
  });
});

describe('within the exit event, a scope', () => {
  test('releases last in first out, past what fails, and says whether all is released', async () => {
    const words = new Words();
    words.failing = 'b';
    const scope = words.scope();
    for (const name of ['a', 'b', 'c']) await scope.grant(named(name));
    expect(scope.closeSync()).toBe(false);
    expect(words.log).toEqual(['releases c', 'releases b', 'releases a']);
    expect(words.types).toEqual(['command']);
  });

  test('leaves what a living group uses to the guardian', async () => {
    const words = new Words();
    const { program, group } = sleeper();
    const scope = words.scope(group);
    await scope.grant(named('a'));
    expect(scope.closeSync()).toBe(false);
    expect([words.types, words.log]).toEqual([['group', 'command'], []]);
    expect(runs(group.pid)).toBe(true);
    await ended(program);
    expect(scope.closeSync()).toBe(true);
    expect(words.types).toEqual([]);
  });

  test('kills a living group before it releases what that uses, where no guardian will', async () => {
    const words = new Words();
    words.guarded = false;
    const { program, group } = sleeper();
    const killed = new Promise((resolve) => program.once('exit', (_, signal) => resolve(signal)));
    const scope = words.scope(group);
    await scope.grant(named('a'));
    expect(scope.closeSync()).toBe(true);
    expect(await killed).toBe('SIGKILL');
    expect([words.types, words.log]).toEqual([[], ['releases a']]);
  });
});
