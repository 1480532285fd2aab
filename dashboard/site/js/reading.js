// What a panel shows: its queries' series on one grid of points, and in words what is not there.

import { filled, lastHeard, seriesOf } from "./prometheus.js";
import { gridOf, moment, span, windowOf } from "./time.js";
import { short } from "./units.js";

// Seconds without data that are nothing yet: a scrape that came late.
const LATE = 30;

/** Text of panels.yml for a series: {{label}} is the label's value, a commit's hash shortened. */
export const named = (text, labels) => text.replace(/\{\{(\w+)\}\}/g, (_, name) => short(labels[name] ?? ""));

/**
 * Reads a panel for `labels` ({app}, {host} or both).
 * Gives {grid, series: [{name, values}], note, level}: a value is null where there is none; `note` says in words what
 * is missing ("" where nothing is), `level` is "unknown" where data should be and is not, else "good".
 */
export async function read(panel, labels, range, now) {
  const grid = gridOf(range, now);
  const queries = panel.queries.map((one) => ({ ...one, query: filled(one.query, labels, windowOf(range)) }));
  const answers = await Promise.all(queries.map((one) => seriesOf(one.query, grid)));
  const series = [];
  let last = null;
  for (const [index, found] of answers.entries()) {
    for (const { labels: its, points } of found) {
      last = Math.max(last ?? 0, ...points.keys());
      // Not a number: there was nothing to divide, as without requests. The series is alive, the point is empty.
      const values = grid.map((at) => (Number.isFinite(points.get(at)) ? points.get(at) : null));
      series.push({ name: named(queries[index].legend, its) || panel.title, values });
    }
  }
  return { grid, series, ...(await missing(queries, range, now, grid, series, last)) };
}

async function missing(queries, range, now, grid, series, last) {
  if (last === null) return { note: `No data in ${range.words}`, level: "unknown" };
  if (last < grid.at(-1)) {
    // The grid is coarse; how long it has really been is asked for, from the last point that is known.
    const heard = await Promise.all(queries.map((one) => lastHeard(one.query, last, now)));
    const at = Math.max(last, ...heard);
    if (now - at > LATE) return { note: `No data for ${span(now - at)}, since ${moment(at, now)}`, level: "unknown" };
  }
  const idle = series.every((one) => one.values.every((value) => value === null));
  return { note: idle ? `No requests in ${range.words}` : "", level: "good" };
}
