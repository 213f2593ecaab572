import { machineTime } from '../../../../runtime/index.js';

/** The first second of 1970 in TAI64, with the ten seconds that TAI was ahead then: daemontools counts no leap seconds. */
const EPOCH_SECONDS = 4_611_686_018_427_387_914n;
const NS_PER_SECOND = 1_000_000_000n;
const LABEL = /@([0-9a-f]{16})([0-9a-f]{8})/;

/**
 * The time as a TAI64N label, as multilog and tai64n write it: `@` and 24 hexadecimal digits, which sort as the times do.
 * @param at - @defaultValue now
 */
export function tai64n(at?: Date): string {
  return labelOf(BigInt(at?.getTime() ?? machineTime.epochMs()) * 1_000_000n);
}

/** The time that a text which begins with a TAI64N label stands for, cut to ms; undefined where there is no label. */
export function parseTai64n(text: string): Date | undefined {
  const epochNs = nanosecondsOf(text);
  return epochNs === undefined ? undefined : new Date(Number(epochNs / 1_000_000n));
}

/** The same text with the label at the beginning of each line written as local time, as `tai64nlocal` does: `2026-11-22 10:20:30.123456789`. */
export function tai64nLocal(text: string): string {
  return text.replace(/^@[0-9a-f]{24}/gm, (label) => {
    const epochNs = nanosecondsOf(label) ?? 0n;
    return `${localTime(new Date(Number(epochNs / 1_000_000n)))}.${digits(Number(epochNs % NS_PER_SECOND), 9)}`;
  });
}

/** A label of nanoseconds since 1970. */
export function labelOf(epochNs: bigint): string {
  const seconds = EPOCH_SECONDS + epochNs / NS_PER_SECOND;
  return `@${seconds.toString(16).padStart(16, '0')}${(epochNs % NS_PER_SECOND).toString(16).padStart(8, '0')}`;
}

/** The nanoseconds since 1970 of a text that begins with a label. */
export function nanosecondsOf(text: string): bigint | undefined {
  const match = text.startsWith('@') ? LABEL.exec(text.slice(0, 25)) : null;
  if (match === null) return undefined;
  return (BigInt(`0x${match[1]}`) - EPOCH_SECONDS) * NS_PER_SECOND + BigInt(`0x${match[2]}`);
}

function localTime(at: Date): string {
  const date = [digits(at.getFullYear(), 4), digits(at.getMonth() + 1, 2), digits(at.getDate(), 2)];
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => digits(part, 2));
  return `${date.join('-')} ${time.join(':')}`;
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0');
}
