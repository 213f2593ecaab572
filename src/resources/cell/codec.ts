import { InvalidSpecError } from '../../core/index.js';

/** How values become bytes, and the other way round. Neither may keep the bytes it is given. */
export interface Codec<T> {
  /** What it throws is what `write` throws; the cell keeps its last value. */
  encode(value: T): Uint8Array;
  /** What it throws is what `read` throws. */
  decode(bytes: Buffer): T;
}

/** `'json'` in UTF-8, `'bytes'` as they are, or a codec. */
export type CodecOption<T> = 'json' | 'bytes' | Codec<T>;

/** @throws InvalidSpecError for anything else */
export function codecOf<T>(subject: string, option: CodecOption<T> = 'json'): Codec<T> {
  // Safe: with 'bytes' the values are bytes by the type of the option, and JSON holds what its user says.
  if (option === 'json') return json as Codec<T>;
  if (option === 'bytes') return raw as unknown as Codec<T>;
  if (typeof option?.encode === 'function' && typeof option.decode === 'function') return option;
  throw new InvalidSpecError(subject, {
    rule: 'invalid_option',
    field: 'codec',
    value: option,
    expected: "'json', 'bytes', or an object with encode() and decode()",
  });
}

const json: Codec<unknown> = {
  encode(value) {
    const text: string | undefined = JSON.stringify(value);
    if (text !== undefined) return Buffer.from(text);
    throw new InvalidSpecError('the value of a snapshot-cell', {
      rule: 'invalid_type',
      field: 'value',
      value,
      expected: 'something that JSON can hold; null says that there is nothing',
    });
  },
  decode: (bytes) => JSON.parse(bytes.toString()) as unknown,
};

const raw: Codec<Uint8Array> = {
  encode: (value) => {
    if (value instanceof Uint8Array) return value;
    throw new InvalidSpecError('the value of a snapshot-cell', {
      rule: 'invalid_type',
      field: 'value',
      value,
      expected: "a Uint8Array, since its codec is 'bytes'",
    });
  },
  decode: (bytes) => bytes,
};
