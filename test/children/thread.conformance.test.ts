import { describe, test } from 'vitest';
import { thread } from '../../src/children/index.js';
import { driverConformance } from '../../src/testing/conformance.js';
import { conformingPrograms } from './program-conformance.js';

const children = await conformingPrograms((file, settings) => thread('program', file, settings));

describe('the driver of thread', () => {
  driverConformance('thread', test, children);
});
