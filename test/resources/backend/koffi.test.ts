import { createRequire } from 'node:module';
import { describe } from 'vitest';
import { backendSuite } from './suite.js';

const INSTALLED = ((): boolean => {
  try {
    createRequire(import.meta.url)('koffi');
    return process.platform !== 'win32';
  } catch {
    // An optional dependency: there may be no binary of it for this platform.
    return false;
  }
})();

describe.skipIf(!INSTALLED)('through koffi', { timeout: 60_000 }, () => backendSuite('koffi'));
