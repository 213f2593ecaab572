import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { perform, type Scenario, type TraceLine } from './adapter.js';

interface Recorded {
  readonly scenario?: Scenario;
  readonly trace: readonly TraceLine[];
}

// Recorded from OTP 25; `otp-bug` marks two defects of that release, which are not promises.
const recorded = gunzipSync(readFileSync(new URL('./fixtures.jsonl.gz', import.meta.url)))
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);
const comparable = recorded.flatMap(({ scenario, trace }) =>
  scenario === undefined || scenario.tags?.includes('otp-bug') ? [] : [{ scenario, trace }],
);

describe('what the supervisor of Erlang/OTP did, treewarden does', () => {
  test('all comparable traces are here', () => {
    expect(comparable.length).toBe(543);
  });

  for (const { scenario, trace } of comparable) {
    test(scenario.name, async () => {
      expect(await perform(scenario)).toEqual(trace);
    });
  }
});
