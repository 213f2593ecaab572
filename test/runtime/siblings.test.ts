import { expect, onTestFinished, test, vi } from 'vitest';
import {
  type ChildSpec,
  type IncarnationHost,
  Siblings,
  Supervisor,
  supervisor,
} from '../../src/runtime/index.js';

/** A child that runs until it is asked to stop, and gives away its host. */
function givesHost(onHost: (host: IncarnationHost) => void): ChildSpec {
  return {
    id: 'keeper',
    kind: 'test',
    driver: {
      start: (host) => {
        onHost(host);
        host.ready();
        const end = (): void => host.exited({ type: 'shutdown' });
        return { drain: () => host.drained(), stop: end, kill: end };
      },
    },
  };
}

test('siblings are kept under a supervisor of another copy of the library', async () => {
  let host: IncarnationHost | undefined;
  const keeper = givesHost((given) => {
    host = given;
  });
  const root = new Supervisor(supervisor('root', { children: [keeper] }));
  onTestFinished(async () => void (await root.stop()));
  await root.start();
  vi.resetModules();
  const copy = await import('../../src/runtime/siblings.js');
  expect(copy.Siblings).not.toBe(Siblings);
  const siblings = new copy.Siblings(host as unknown as IncarnationHost);
  await siblings.keep({ ...givesHost(() => undefined), id: 'other' }, undefined);
  expect(root.child('other').status).toBe('down');
});

test('a host that is no supervisor keeps no siblings', () => {
  expect(() => new Siblings({} as IncarnationHost)).toThrow(TypeError);
});
