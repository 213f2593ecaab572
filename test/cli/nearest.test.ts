import { expect, test } from 'vitest';
import { nearest } from '../../src/cli/nearest.js';

const NAMES = ['run', 'status', 'reclaim', 'doctor', 'down'];

test.each([
  ['docter', 'doctor'],
  ['recliam', 'reclaim'],
  ['relcaim', 'reclaim'],
  ['statu', 'status'],
  ['donw', 'down'],
  ['rnu', 'run'],
])('%s was meant to be %s', (written, meant) => {
  expect(nearest(written, NAMES)).toBe(meant);
});

test.each(['banana', '', 'ps', 'clam'])('nothing is near %j', (written) => {
  expect(nearest(written, NAMES)).toBeUndefined();
});
