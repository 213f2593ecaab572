import {
  type Codec,
  type ResourceKind,
  type SnapshotCell,
  type SnapshotReader,
  snapshotCell,
  snapshotReader,
} from 'treewarden/resources';

/** Compiles only where both are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const isTrue = <_ extends true>(): void => undefined;

const date: Codec<Date> = {
  encode: (value) => Buffer.from(value.toISOString()),
  decode: (bytes) => new Date(bytes.toString()),
};

// A cell holds what its codec makes of bytes.
const bytes = snapshotCell({ name: 'frame', bytes: 64, codec: 'bytes' });
const dates = snapshotCell({ name: 'seen', bytes: 64, codec: date });
const rates = snapshotCell<{ eur: number }>({ name: 'rates', bytes: 64 });
const plain = snapshotCell({ name: 'plain', bytes: 64 });
isTrue<Same<typeof bytes, ResourceKind<SnapshotCell<Uint8Array>>>>();
isTrue<Same<typeof dates, ResourceKind<SnapshotCell<Date>>>>();
isTrue<Same<typeof rates, ResourceKind<SnapshotCell<{ eur: number }>>>>();
isTrue<Same<typeof plain, ResourceKind<SnapshotCell<unknown>>>>();

const readsBytes = snapshotReader('/dev/shm/frame', { codec: 'bytes' });
const readsDates = snapshotReader({ scope: 'shop', name: 'seen' }, { codec: date });
const readsRates = snapshotReader<{ eur: number }>('/dev/shm/rates');
const readsPlain = snapshotReader('/dev/shm/plain');
isTrue<Same<typeof readsBytes, SnapshotReader<Uint8Array>>>();
isTrue<Same<typeof readsDates, SnapshotReader<Date>>>();
isTrue<Same<typeof readsRates, SnapshotReader<{ eur: number }>>>();
isTrue<Same<typeof readsPlain, SnapshotReader<unknown>>>();

export const write = (cell: SnapshotCell<Uint8Array>): void => {
  cell.write(new Uint8Array(8));
  // @ts-expect-error -- a text is no bytes
  cell.write('a text');
};
