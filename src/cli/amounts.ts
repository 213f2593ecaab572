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
