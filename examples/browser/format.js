// Sizes and times as people read them.

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
const date = new Intl.DateTimeFormat('en', { dateStyle: 'medium' });
const time = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeStyle: 'medium' });

/** Two or three digits, in decimal units, as storage is sold. */
export function formatSize(bytes) {
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  const number = bytes / 1000 ** step;
  const maximumFractionDigits = step && number < 100 ? 1 : 0;
  return new Intl.NumberFormat('en', {
    style: 'unit', unit: UNITS[step], unitDisplay: step ? 'short' : 'long', maximumFractionDigits,
  }).format(number);
}

/** To the byte, for a comparison with a limit. */
export function formatBytes(bytes) {
  return `${bytes.toLocaleString('en')} bytes`;
}

export function formatDate(iso) {
  return date.format(new Date(iso));
}

export function formatTime(iso) {
  return time.format(new Date(iso));
}
