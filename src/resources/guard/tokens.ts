/**
 * The words of a ledger's line. What is no plain ASCII is written in octal, as `printf %b` of any POSIX shell reads it back: no word
 * contains a space, a line's end, a quote, a pattern or anything else that a shell would take for more than a word.
 */

/** Writes a text as one word. @throws RangeError if it contains a NUL, which no path and no argument can */
export function toToken(text: string): string {
  if (text.includes('\0')) throw new RangeError('a NUL cannot be written into a ledger');
  if (text === '') return EMPTY;
  if (text === END) return octal(END);
  return PLAIN.test(text) ? text : octal(text);
}

/** Reads a word; nothing if it is none that {@link toToken} writes. */
export function fromToken(token: string): string | undefined {
  if (token === EMPTY) return '';
  if (!TOKEN.test(token)) return undefined;
  if (!token.includes('\\')) return token;
  const bytes = token.replace(ESCAPED, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** The last word of every whole line: one without it was torn. */
export const END = '.';

const EMPTY = '""';
const PLAIN = /^[\w./:@%+,=-]+$/;
const TOKEN = /^(?:[\w./:@%+,=-]|\\0[0-3][0-7]{2})+$/;
const ESCAPED = /\\0([0-3][0-7]{2})/g;

function octal(text: string): string {
  let token = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte);
    token += PLAIN.test(character) && text !== END ? character : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return token;
}
