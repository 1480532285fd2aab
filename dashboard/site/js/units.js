// Numbers as people read them, by the unit that panels.yml gives.

const digits = (value, most = 3) => {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 100) return value.toLocaleString("en-GB", { maximumFractionDigits: 0 });
  return value.toLocaleString("en-GB", { maximumSignificantDigits: size < 1 ? Math.min(most, 2) : most });
};

function scaled(value, base, names) {
  let index = 0;
  while (Math.abs(value) >= base && index < names.length - 1) {
    value /= base;
    index += 1;
  }
  return `${digits(value)} ${names[index]}`;
}

const BYTES = ["B", "KiB", "MiB", "GiB", "TiB"];

const WORDS = {
  share: (value) => `${digits(value * 100)} %`,
  answers: (value) => (value >= 1 ? "yes" : "no"),
  per_second: (value) => `${digits(value)}/s`,
  seconds: (value) => (Math.abs(value) < 1 ? `${digits(value * 1000)} ms` : `${digits(value)} s`),
  count: (value) => digits(value),
  bytes: (value) => scaled(value, 1024, BYTES),
  bytes_per_second: (value) => `${scaled(value, 1024, BYTES)}/s`,
  cores: (value) => digits(value),
};

/** Text with each commit's hash as short as people say it. */
export const short = (text) => text.replace(/\b([0-9a-f]{10})[0-9a-f]{30,54}\b/g, "$1");

/** A value with its unit; "–" for none. */
export function show(value, unit) {
  return value === null || value === undefined || !Number.isFinite(value) ? "–" : WORDS[unit](value);
}

/** How bad a value is: "good", "warn" or "bad". */
export function levelOf(value, thresholds) {
  if (!thresholds || value === null || !Number.isFinite(value)) return "good";
  const beyond = thresholds.when === "above" ? (limit) => value > limit : (limit) => value < limit;
  if (beyond(thresholds.bad)) return "bad";
  return beyond(thresholds.warn) ? "warn" : "good";
}
