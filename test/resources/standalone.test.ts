import { describe, expect, test, vi } from 'vitest';
import { type ResourceRegistry, scopeNamed, temporaryFile } from '../../src/resources/index.js';
import { standaloneProvider } from '../../src/resources/registry/standalone.js';
import { Scope } from '../../src/runtime/index.js';
import { Trial } from './trial.js';

describe('a registry of its own', () => {
  test('is one per tree, and closes with it', async () => {
    await using trial = new Trial();
    vi.stubEnv('TREEWARDEN_STATE_DIR', trial.path('state'));
    const tree = new Scope();
    const name = `trial-${process.pid}`;
    const [one, other] = await Promise.all([standaloneProvider(name, tree), standaloneProvider(name, tree)]);
    expect(one).toBe(other);
    const registry = one as ResourceRegistry;
    await registry.acquire(temporaryFile({ directory: trial.dir }));
    vi.unstubAllEnvs();
    expect(await tree.close()).toEqual([]);
    expect(trial.left).toEqual([]);
    expect(() => registry.openScope({ path: name, incarnation: 1 })).toThrow(/has ended/);
  });

  test.each(['shop', 'shop_2', 'a b', 'a/b', '', 'ü', '-x', 'x'.repeat(60)])(
    'has a scope for the name "%s"',
    (name) => {
      expect(scopeNamed(name)).toMatch(/^[A-Za-z0-9][\w-]{0,47}$/);
    },
  );

  test('keeps names apart that a scope cannot tell', () => {
    expect(scopeNamed('a b')).not.toBe(scopeNamed('a/b'));
    expect(scopeNamed('shop')).toBe('shop');
  });
});
