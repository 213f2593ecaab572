import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Fifo } from '../../src/runtime/fifo.js';

test('what is put first is taken first, through any mixture of calls', () => {
  const call = fc.oneof(
    { weight: 6, arbitrary: fc.constant('put' as const) },
    { weight: 5, arbitrary: fc.constant('take' as const) },
    { weight: 1, arbitrary: fc.constantFrom('putFirst' as const, 'takeAll' as const, 'flood' as const) },
  );
  fc.assert(
    fc.property(fc.array(call, { maxLength: 200 }), (calls) => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      let next = 0;
      for (const name of calls) {
        if (name === 'put') {
          fifo.put(next);
          model.push(next++);
        } else if (name === 'take') expect(fifo.take()).toBe(model.shift());
        else if (name === 'takeAll') expect(fifo.takeAll()).toEqual(model.splice(0));
        else if (name === 'putFirst') {
          fifo.putFirst([next, next + 1]);
          model.unshift(next++, next++);
        } else {
          for (let n = 0; n < 1500; n += 1) fifo.put(next + n);
          for (let n = 0; n < 1500; n += 1) model.push(next + n);
          next += 1500;
          for (let n = 0; n < 1200; n += 1) expect(fifo.take()).toBe(model.shift());
        }
        expect(fifo.empty).toBe(model.length === 0);
      }
      expect(fifo.takeAll()).toEqual(model);
    }),
    { numRuns: 100 },
  );
});
