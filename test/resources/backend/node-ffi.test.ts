import { describe } from 'vitest';
import { backendSuite } from './suite.js';

const THERE = process.getBuiltinModule('node:ffi' as string) !== undefined;

/** Runs where Node has it: on the line 26 of `npm run test:matrix`. */
describe.skipIf(!THERE)('through node:ffi', { timeout: 60_000 }, () => backendSuite('node:ffi'));
