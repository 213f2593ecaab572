import { beforeEach, describe, test, vi } from 'vitest';
import { thread } from '../../../src/children/index.js';
import { driverConformance } from '../../../src/testing/conformance.js';
import { conformingPrograms } from '../program-conformance.js';

const children = await conformingPrograms((file, settings) => thread('program', file, settings));

describe('the driver of thread', () => {
  driverConformance('thread', test, children);
});

describe('the driver of thread, as in a process that has not started one yet', async () => {
  let fresh = thread;
  beforeEach(async () => {
    vi.resetModules();
    ({ thread: fresh } = await import('../../../src/children/index.js'));
  });
  const first = await conformingPrograms((file, settings) => fresh('program', file, settings));
  driverConformance('thread whose code is still to be loaded', test, first);
});
