import { expect, test } from 'vitest';
import { task } from '../../src/children/index.js';
import { ResourceError } from '../../src/core/index.js';
import { mutex, sharedMemory, snapshotCell } from '../../src/resources/index.js';
import { type Lease, type ResourceKind, Supervisor, supervisor } from '../../src/runtime/index.js';
import { fakeKind, fakeResources } from '../../src/testing/index.js';

test.each<[string, ResourceKind<Lease>]>([
  [`mutex "ledger"`, mutex({ name: 'ledger' })],
  [`snapshot-cell "rates"`, snapshotCell({ name: 'rates', bytes: 64 })],
  ['shared-memory', sharedMemory({ bytes: 64 })],
])(
  'fakeResources refuses a real %s, and says what to give, as the failure of its child',
  async (subject, kind) => {
    const resources = fakeResources();
    const mail = task('mail', async (ctx) => void (await ctx.resources.acquire(kind)), {
      restart: 'temporary',
    });
    const root = new Supervisor(supervisor('shop', { children: [mail] }), { resources });
    const exited = new Promise<object>((resolve) => root.on('child:exited', ({ exit }) => resolve(exit)));
    await root.start();
    expect(await exited).toMatchObject({
      type: 'failed',
      error: {
        code: 'RESOURCE_FAILED',
        message: expect.stringMatching(`^Could not acquire ${subject}: .* fakeKind\\('${kind.request.kind}'`),
      },
    });
    expect(resources.held).toEqual([]);
    await root.stop();
  },
);

test('fakeResources grants what is real where it is told what it attaches to, and a fake of any name', async () => {
  const resources = fakeResources({ grant: () => ({ path: '/dev/null' }) });
  const real = resources.openScope({ path: 'shop/mail', incarnation: 1 });
  expect(await real.grant(mutex({ name: 'ledger' }).request)).toMatchObject({ facts: { path: '/dev/null' } });
  const fake = fakeResources().openScope({ path: 'shop/mail', incarnation: 1 });
  expect(await fake.grant(fakeKind('mutex', 'ledger').request)).toMatchObject({ name: 'ledger' });
  await expect(fake.grant(mutex({ name: 'ledger' }).request)).rejects.toBeInstanceOf(ResourceError);
});
