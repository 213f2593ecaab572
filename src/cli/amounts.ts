/** A number with its thousands parted. */
export function count(value: number): string {
  if (!Number.isFinite(value)) return 'no limit';
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ' ');
}

/** Bytes in the largest unit that leaves a whole part. */
export function bytes(value: number): string {
  if (!Number.isFinite(value)) return 'no limit';
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)));
  const amount = value / 1024 ** power;
  return `${amount < 10 && power > 0 ? amount.toFixed(1) : Math.floor(amount)} ${UNITS[power]}`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
