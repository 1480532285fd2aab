// Moments on the time axis: deploys, rollbacks and canary runs. A series' value is its moment.

import { el } from "./dom.js";
import { seriesOf } from "./prometheus.js";
import { named } from "./reading.js";
import { gridOf, moment } from "./time.js";

const SHOWN = 8;

/** Whether a mark is of another release that is served now. */
export const isChange = (mark) => mark.kind === "deploy" || mark.kind === "rollback";

/** All marks known in `range`, the newest first: [{kind, at, text, app, hosts, labels}]; some are from before it. */
export async function readMarks(described, range, now) {
  const grid = gridOf(range, now);
  const marks = new Map();
  const add = (mark, { labels, points }) => {
    for (const at of new Set(points.values())) {
      if (!(at > 0)) continue;
      const text = named(mark.text, labels);
      // The same deploy on two hosts is one mark.
      const key = `${mark.id} ${Math.round(at / 60)} ${text}`;
      const known = marks.get(key);
      const hosts = new Set(known?.hosts).add(labels.host ?? "");
      marks.set(key, {
        kind: mark.id,
        at,
        text,
        labels: { ...labels, report: labels.report ?? known?.labels.report }, // it may have been published later
        hosts,
        app: (mark.id === "canary" ? labels.application : labels.app) ?? "", // a canary's mark is of the monitor's host
        verdict: labels.verdict ?? "",
      });
    }
  };
  const asked = described.map(async (mark) => {
    // The marks of a host that is down still count.
    const known = await Promise.all([
      seriesOf(mark.query, grid),
      seriesOf(`last_over_time(${mark.query}[1d])`, [now]),
    ]);
    for (const series of known.flat()) add(mark, series);
  });
  await Promise.all(asked);
  return [...marks.values()].sort((a, b) => b.at - a.at);
}

/** Those that belong on a chart of `labels`: an application's deploys and the canary runs of it, or what a host got. */
export const marksOf = (marks, { app, host }) =>
  marks.filter((one) =>
    isChange(one) ? (!app || one.app === app) && (!host || one.hosts.has(host)) : Boolean(app) && one.app === app,
  );

/** By host, the release of `app` that it got last. */
export function releasesOf(marks, app) {
  const releases = new Map();
  for (const one of marks.filter((mark) => isChange(mark) && mark.app === app))
    for (const host of one.hosts) if (!releases.has(host)) releases.set(host, one.labels.release ?? "");
  return releases;
}

/** The way to the report of a canary run, where it was published on this monitor; nowhere else. */
function reportOf({ labels }) {
  const path = labels.report ?? "";
  return /^\/[\w.~%-][\w.~%/-]*$/.test(path) ? el("a", { href: path }, "report") : null;
}

/** What stands under "Deploys, rollbacks and canary runs". */
export function markList(marks, range, now) {
  const inside = marks.filter((one) => one.at >= now - range.seconds && one.at <= now);
  if (!inside.length) return el("p", { class: "nothing" }, `None in ${range.words}.`);
  const more = inside.length - SHOWN;
  return el(
    "div",
    {},
    el(
      "ol",
      { class: "marks" },
      ...inside
        .slice(0, SHOWN)
        .map((one) =>
          el(
            "li",
            { "data-kind": one.kind, "data-verdict": one.verdict || null },
            el("time", { datetime: new Date(one.at * 1000).toISOString() }, moment(one.at, now)),
            el("span", {}, one.text, " ", reportOf(one)),
          ),
        ),
    ),
    more > 0 ? el("p", { class: "quiet" }, `and ${more} earlier`) : null,
  );
}
