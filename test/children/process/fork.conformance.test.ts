import { beforeEach, describe, test, vi } from 'vitest';
import { fork } from '../../../src/children/index.js';
import { driverConformance } from '../../../src/testing/conformance.js';
import { conformingPrograms } from '../program-conformance.js';

const children = await conformingPrograms((file, settings) => fork('program', file, settings));

describe('the driver of fork', () => {
  driverConformance('fork', test, children);
});

describe('the driver of fork, as in a process that has not started one yet', async () => {
  let fresh = fork;
  beforeEach(async () => {
    vi.resetModules();
    ({ fork: fresh } = await import('../../../src/children/index.js'));
  });
  const first = await conformingPrograms((file, settings) => fresh('program', file, settings));
  driverConformance('fork whose code is still to be loaded', test, first);
});
