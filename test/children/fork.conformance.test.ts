import { describe, test } from 'vitest';
import { fork } from '../../src/children/index.js';
import { driverConformance } from '../../src/testing/conformance.js';
import { conformingPrograms } from './program-conformance.js';

const children = await conformingPrograms((file, settings) => fork('program', file, settings));

describe('the driver of fork', () => {
  driverConformance('fork', test, children);
});
