/** A number with its thousands parted. What is larger than any number of things is how a kernel writes that there is no limit. */
export function count(value: number): string {
  if (value > Number.MAX_SAFE_INTEGER) return 'no limit';
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ' ');
}

/** Bytes in the largest unit that leaves a whole part. As many as nobody has are no limit. */
export function bytes(value: number): string {
  if (value >= 2 ** 60) return 'no limit';
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)));
  const amount = value / 1024 ** power;
  return `${amount < 10 && power > 0 ? amount.toFixed(1) : Math.floor(amount)} ${UNITS[power]}`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** A time span for people, in its two largest units: `250 ms`, `12 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = Math.floor(ms / 1000);
  const at = SPANS.findIndex(([, length]) => seconds >= length);
  const [unit, length] = SPANS[at] ?? ['s', 1];
  const [smaller, part] = SPANS[at + 1] ?? ['s', 1];
  const rest = Math.floor((seconds % length) / part);
  return `${Math.floor(seconds / length)} ${unit}${length === 1 || rest === 0 ? '' : ` ${rest} ${smaller}`}`;
}

const SPANS: readonly (readonly [unit: string, seconds: number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
];

/** The time on the clock, as in `14:03:59`. */
export function clockTime(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
