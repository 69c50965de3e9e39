// Formats figures. An unknown figure is a dash.

export const unknown = "–";

// Bytes have binary units (KiB is 1024 bytes), all else has decimal ones: the same text as in `dmascope top`.
const prefixes = ["", " k", " M", " G", " T", " P"];
const byteUnits = [" B", " KiB", " MiB", " GiB", " TiB", " PiB"];
const timeUnits = [" ns", " µs", " ms", " s"];

/** A number with three digits and a unit. */
function scaled(value, units, base) {
  let place = 0;
  while (value >= base - 0.5 && place < units.length - 1) {
    value /= base;
    place += 1;
  }
  const digits = Number.isInteger(value) || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  // toFixed rounds what the number holds exactly, which may be less than its decimal text.
  return (Math.round(value * 10 ** digits) / 10 ** digits).toFixed(digits) + units[place];
}

const known = (value) => value !== null && value !== undefined;

/** Bytes, as `1.50 MiB`. */
export function bytes(value) {
  return known(value) ? scaled(value < 1023.5 ? Math.round(value) : value, byteUnits, 1024) : unknown;
}

/** Bytes per second, as `1.21 GiB/s`. */
export const bytesRate = (value) => (known(value) ? `${bytes(value)}/s` : unknown);

/** A number, as `950` or `12.3 k`. */
export function count(value) {
  return known(value) ? scaled(value < 999.5 && value >= 9.995 ? Math.round(value) : value, prefixes, 1000) : unknown;
}

/** A rate per second, as `12.3 k/s`. */
export const rate = (value) => (known(value) ? `${count(value)}/s` : unknown);

/** Nanoseconds, as `12.3 µs`. */
export const duration = (value) => (known(value) ? scaled(value, timeUnits, 1000) : unknown);

/** `1 device`, `2 devices`. */
export const plural = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** The time of day of nanoseconds since 1970. */
export const timeOfDay = (nanoseconds) => clock.format(new Date(nanoseconds / 1e6));

/** Nanoseconds since 1970, as the attribute of a `time` element. */
export const machineTime = (nanoseconds) => new Date(nanoseconds / 1e6).toISOString();

/** The first part of a domain's UUID, enough to distinguish domains. */
export const shortDomain = (id) => (id ?? "").split("-")[0] || unknown;
