/** A value that shows by itself whether it is whole. */
export interface Storm {
  readonly n: number;
  readonly fill: string;
}

/** The value of a version, which fills a cell. */
export function stormValue(n: number, bytes: number): Storm {
  return { n, fill: letterOf(n).repeat(bytes - 64) };
}

export function isWhole({ n, fill }: Storm): boolean {
  return fill === letterOf(n).repeat(fill.length);
}

function letterOf(n: number): string {
  return String.fromCharCode(97 + (n % 26));
}

/** The same in bytes: each of them says which version it is of, and so does their number. */
export function stormBytes(version: number, room: number): Buffer {
  return Buffer.alloc(room - (version % 64), version % 251);
}

export function isWholeStorm(version: number, room: number, bytes: Buffer): boolean {
  return bytes.equals(stormBytes(version, room));
}
