// cell-reads.mjs <what> <bytes>: how often a second a value is read that nobody changes meanwhile: its bytes, and parsed. What it is read from is a
// snapshot cell (mapped, without a checksum, by system calls, or from outside), or what is used instead.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { machines } from './machines.mjs';
import { ownDirectory, withRegistry } from './own-registry.mjs';
import { nsPerOperation } from './per-operation.mjs';
import { ownRedis } from './redis.mjs';
import { report } from './shared.mjs';

const [what, size] = process.argv.slice(2);
const bytes = Number(size);
const value = machines(bytes);
const name = `cell-${process.pid}`;
/** What was read last; without it a compiler might not read at all. */
let last;

const MEASURES = {
  mapped: () => withRegistry((registry, resources) => cellReads(registry, resources, true)),
  'mapped, no checksum': () => withRegistry((registry, resources) => cellReads(registry, resources, false)),
  'system calls': () =>
    withRegistry((registry, resources) => cellReads(registry, resources, true), { backend: 'files' }),
  'from outside': () =>
    withRegistry(async (registry, resources) => {
      await write(registry, resources, true);
      const reader = resources.snapshotReader({ scope: registry.scope, name });
      const measured = await reads(reader);
      reader.close();
      return measured;
    }),
  'JSON file': () =>
    withRegistry(async (registry, resources) => {
      const file = `${await ownDirectory(registry, resources)}/value.json`;
      writeFileSync(`${file}.new`, JSON.stringify(value));
      renameSync(`${file}.new`, file);
      return {
        perSecond: await perSecond((many) => {
          for (let i = 0; i < many; i += 1) last = readFileSync(file);
        }),
        parsedPerSecond: await perSecond((many) => {
          for (let i = 0; i < many; i += 1) last = JSON.parse(readFileSync(file, 'utf8'));
        }),
      };
    }),
  'Redis GET': () =>
    withRegistry(async (registry, resources) => {
      const redis = await ownRedis(registry, resources);
      await redis.set('value', JSON.stringify(value));
      const measured = {
        perSecond: await perSecond(async (many) => {
          for (let i = 0; i < many; i += 1) last = await redis.getBuffer('value');
        }),
        parsedPerSecond: await perSecond(async (many) => {
          for (let i = 0; i < many; i += 1) last = JSON.parse(await redis.get('value'));
        }),
      };
      redis.disconnect();
      return measured;
    }),
};

report(await MEASURES[what]());
void last;

async function cellReads(registry, resources, crc) {
  await write(registry, resources, crc);
  const { snapshotCell } = resources;
  return reads(await registry.acquire(snapshotCell({ name, bytes, role: 'reader' })));
}

async function write(registry, { snapshotCell }, crc) {
  const cell = await registry.acquire(snapshotCell({ name, bytes, crc }));
  cell.write(value);
}

async function reads(cell) {
  const target = Buffer.alloc(bytes);
  return {
    perSecond: await perSecond((many) => {
      for (let i = 0; i < many; i += 1) last = cell.readInto(target);
    }),
    newPerSecond: await perSecond((many) => {
      for (let i = 0; i < many; i += 1) last = cell.readBytes();
    }),
    parsedPerSecond: await perSecond((many) => {
      for (let i = 0; i < many; i += 1) last = JSON.parse(cell.readBytes().toString());
    }),
    seenPerSecond: await perSecond((many) => {
      for (let i = 0; i < many; i += 1) last = cell.read();
    }),
  };
}

async function perSecond(batch) {
  return 1e9 / (await nsPerOperation(batch));
}
