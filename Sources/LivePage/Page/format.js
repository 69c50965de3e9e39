// Formats figures. An unknown figure is a dash.

export const unknown = "–";

function three(value) {
  if (value >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function scaled(value, units, base) {
  let place = 0;
  while (value >= base * 0.9995 && place < units.length - 1) {
    value /= base;
    place += 1;
  }
  return [value, units[place]];
}

/** Bytes per second, as `1.21 GB/s`. */
export function bytesRate(value) {
  if (value === null || value === undefined) return unknown;
  const [number, unit] = scaled(value, ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"], 1000);
  return `${three(unit === "B/s" ? Math.round(number) : number)} ${unit}`;
}

/** Bytes of memory, as `4 MiB`. */
export function bytes(value) {
  const [number, unit] = scaled(value, ["B", "KiB", "MiB", "GiB", "TiB"], 1024);
  return `${three(number)} ${unit}`;
}

/** A rate per second, as `12.3 k/s`. */
export function rate(value) {
  if (value === null || value === undefined) return unknown;
  const [number, unit] = scaled(value, ["", "k", "M", "G"], 1000);
  return `${three(unit === "" && number >= 10 ? Math.round(number) : number)}${unit && ` ${unit}`}/s`;
}

/** A count, as `1.2 M`; exact below ten thousand. */
export function count(value) {
  if (value === null || value === undefined) return unknown;
  if (value < 10_000) return String(value);
  const [number, unit] = scaled(value, ["", "k", "M", "G", "T"], 1000);
  return `${three(number)} ${unit}`;
}

/** Nanoseconds, as `12.3 µs`. */
export function duration(value) {
  if (value === null || value === undefined) return unknown;
  const [number, unit] = scaled(value, ["ns", "µs", "ms", "s"], 1000);
  return `${three(number)} ${unit}`;
}

/** `1 device`, `2 devices`. */
export const plural = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** The time of day of nanoseconds since 1970. */
export const timeOfDay = (nanoseconds) => clock.format(new Date(nanoseconds / 1e6));

/** Nanoseconds since 1970, as the attribute of a `time` element. */
export const machineTime = (nanoseconds) => new Date(nanoseconds / 1e6).toISOString();

/** The first part of a domain's UUID, enough to distinguish domains. */
export const shortDomain = (id) => (id ?? "").split("-")[0] || unknown;
