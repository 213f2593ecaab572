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
  if (option === 'json') return jsonOf(subject) as Codec<T>;
  if (option === 'bytes') return raw as unknown as Codec<T>;
  if (typeof option?.encode === 'function' && typeof option.decode === 'function') return option;
  throw new InvalidSpecError(subject, {
    rule: 'invalid_option',
    field: 'codec',
    value: option,
    expected: "'json', 'bytes', or an object with encode() and decode()",
  });
}

function jsonOf(subject: string): Codec<unknown> {
  return {
    encode(value) {
      const text = textOf(subject, value);
      if (text !== undefined) return Buffer.from(text);
      return refuse(subject, value, 'something that JSON can hold; null says that there is nothing');
    },
    decode: (bytes) => JSON.parse(bytes.toString()) as unknown,
  };
}

/** Of what JSON cannot hold some is left out, and some throws. */
function textOf(subject: string, value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    const [why] = String(error).split('\n');
    return refuse(subject, value, `something that JSON can hold (${why})`);
  }
}

function refuse(subject: string, value: unknown, expected: string): never {
  throw new InvalidSpecError(`a value of ${subject}`, {
    rule: 'invalid_type',
    field: 'value',
    value,
    expected,
  });
}

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
