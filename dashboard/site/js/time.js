// Ranges, the grid of points that a range is drawn on, and times in words. Times are seconds since 1970.

// step: seconds between two points; every: seconds between two reads of the charts.
export const RANGES = [
  { id: "15m", title: "15 min", words: "the last 15 minutes", seconds: 900, step: 5, every: 10 },
  { id: "1h", title: "1 h", words: "the last hour", seconds: 3600, step: 15, every: 10 },
  { id: "6h", title: "6 h", words: "the last 6 hours", seconds: 21600, step: 60, every: 30 },
  { id: "1d", title: "1 day", words: "the last day", seconds: 86400, step: 300, every: 60 },
  { id: "7d", title: "7 days", words: "the last 7 days", seconds: 604800, step: 1800, every: 60 },
];

/** Seconds that rates are taken over: never less than a step, or what happens between two points would be lost. */
export const windowOf = (range) => Math.max(60, range.step);

/** The points of `range` up to `now`. They end on a multiple of the step (a minute at most), so lines keep still. */
export function gridOf(range, now) {
  const whole = Math.min(range.step, 60);
  const end = Math.floor(now / whole) * whole;
  const count = Math.floor(range.seconds / range.step) + 1;
  return Array.from({ length: count }, (_, index) => end - (count - 1 - index) * range.step);
}

const formats = {
  clock: new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  minute: new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }),
  day: new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric" }),
};

export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "local time";
export const clock = (seconds) => formats.clock.format(seconds * 1000);
const day = (seconds) => formats.day.format(seconds * 1000);
const minute = (seconds) => formats.minute.format(seconds * 1000);

/** When something was, as short as it can be said at `now`: "14:03", or with its day where that was another. */
export function moment(seconds, now) {
  return day(seconds) === day(now) && now - seconds < 86400 ? minute(seconds) : `${day(seconds)}, ${minute(seconds)}`;
}

/** Labels of a time axis: hours and minutes; at midnight, and where points are half a day apart, the day. */
export function axisLabels(splits) {
  const wide = splits.length > 1 && splits[1] - splits[0] >= 43200;
  return splits.map((at) => (wide || minute(at) === "00:00" ? day(at) : minute(at)));
}

/** A span in words: "40 s", "3 min", "2 h", "5 days". */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 90) return `${whole} s`;
  if (whole < 5400) return `${Math.round(whole / 60)} min`;
  if (whole < 129600) return `${Math.round(whole / 3600)} h`;
  return `${Math.round(whole / 86400)} days`;
}
