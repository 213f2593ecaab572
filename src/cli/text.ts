import { stripVTControlCharacters } from 'node:util';

/** How many cells of a terminal a text takes: styles take none, East Asian letters and most emoji two. */
export function cellsOf(text: string): number {
  const bare = stripVTControlCharacters(text);
  if (PRINTABLE_ASCII.test(bare)) return bare.length;
  let cells = 0;
  for (const letter of bare) cells += widthOf(letter);
  return cells;
}

/** The text in at most so many cells: what is too long loses its middle, where ids differ least. */
export function cutMiddle(text: string, cells: number): string {
  if (cellsOf(text) <= cells) return text;
  if (cells < 2) return '…'.slice(0, cells);
  const letters = [...text];
  const head = takeCells(letters, Math.ceil((cells - 1) / 2));
  const tail = takeCells(letters.toReversed(), Math.floor((cells - 1) / 2));
  return `${head.join('')}…${tail.toReversed().join('')}`;
}

/** The text in at most so many cells: what is too long loses its end. */
export function cutEnd(text: string, cells: number): string {
  if (cellsOf(text) <= cells) return text;
  return cells < 1 ? '' : `${takeCells([...text], cells - 1).join('')}…`;
}

/** Without what would move a terminal's cursor or change its colours: a name or a command line is somebody else's text. */
export function harmless(text: string): string {
  return stripVTControlCharacters(text).replaceAll(CONTROL, '\u{fffd}');
}

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]$|^\p{Emoji_Presentation}$/u;

function widthOf(letter: string): number {
  if (/^\p{M}$|^\u200d$/u.test(letter)) return 0;
  return WIDE.test(letter) ? 2 : 1;
}

function takeCells(letters: readonly string[], cells: number): readonly string[] {
  let left = cells;
  const end = letters.findIndex((letter) => {
    left -= widthOf(letter);
    return left < 0;
  });
  return end < 0 ? letters : letters.slice(0, end);
}
