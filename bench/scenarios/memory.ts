import { node, otp } from '../contenders.js';
import type { Scenario } from '../scenario.js';

/** What an idle task costs on V8's heap, with its spec and what it waits for. */
export function memory(): readonly Scenario[] {
  return [
    {
      rounds: 3,
      contenders: {
        treewarden: node('memory.mjs', 'treewarden', 100_000),
        'promise loop': node('memory.mjs', 'promise loop', 100_000),
        ...otp('OTP gen_server', 'memory', 100_000),
      },
      figures: [
        {
          figure: 'memory of an idle child, 100000 children',
          unit: 'bytes',
          of: 'bytesPerChild',
          against: [
            { role: 'floor', contender: 'promise loop' },
            { role: 'peer', contender: 'OTP gen_server', goal: { atMost: 0.3 } },
          ],
        },
      ],
    },
  ];
}
