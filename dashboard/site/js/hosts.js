// Which hosts there are in a range of time, and how each is: from the scrapes of its node exporter. And on which of them
// an application answers.

import { lastHeard, seriesOf } from "./prometheus.js";
import { gridOf, moment, span } from "./time.js";

const UP = 'max by (host, app) (up{job="node"})';
const ANSWERS = "min by (host, app) (probe_success)";

/** By application, the hosts that the probe asks for it: Map(app -> [{host, answers}]). */
export async function readAnswers(now) {
  const found = new Map();
  for (const { labels, points } of await seriesOf(ANSWERS, [now])) {
    const { app = "", host = "" } = labels;
    const answers = points.values().next().value === 1;
    found.set(app, [...(found.get(app) ?? []), { host, answers }].sort((a, b) => a.host.localeCompare(b.host)));
  }
  return found;
}

/** [{host, apps, level, words}], in the order of `apps`, what belongs to none of them last. */
export async function readHosts(apps, range, now) {
  const grid = gridOf(range, now);
  const hosts = new Map();
  for (const { labels, points } of await seriesOf(UP, grid)) {
    const last = Math.max(...points.keys());
    // A host with two applications is asked for both, and answers alike.
    const before = hosts.get(labels.host);
    const apps = [...new Set([...(before?.apps ?? []), labels.app ?? ""])];
    hosts.set(
      labels.host,
      before && before.last > last ? { ...before, apps } : { host: labels.host, apps, points, last },
    );
  }
  const current = new Map();
  for (const { labels, points } of await seriesOf(UP, [now])) {
    current.set(labels.host, points.values().next().value);
    // A host that was added a moment ago is not on the grid yet.
    if (!hosts.has(labels.host))
      hosts.set(labels.host, { host: labels.host, apps: [labels.app ?? ""], points, last: now });
  }
  const found = await Promise.all([...hosts.values()].map((one) => stateOf(one, current.get(one.host), range, now)));
  const place = (one) => Math.min(...one.apps.map((app) => (apps.includes(app) ? apps.indexOf(app) : apps.length)));
  return found.sort((a, b) => place(a) - place(b) || a.host.localeCompare(b.host));
}

async function stateOf({ host, apps, points, last }, up, range, now) {
  if (up === 1) return { host, apps, level: "good", words: "answers" };
  const from = last - range.step;
  const selected = `host=${JSON.stringify(host)},job="node"`;
  if (up === undefined) {
    const at = (await lastHeard(`up{${selected}}`, from, now)) ?? last;
    return {
      host,
      apps,
      level: "unknown",
      words: `is no longer monitored; last heard of ${span(now - at)} ago, ${moment(at, now)}`,
    };
  }
  const answered = [...points].filter(([, value]) => value === 1).map(([at]) => at);
  if (!answered.length) return { host, apps, level: "bad", words: `does not answer, and did not in ${range.words}` };
  const before = Math.max(...answered);
  const at = (await lastHeard(`up{${selected}} == 1`, before, Math.min(now, before + 2 * range.step))) ?? before;
  return { host, apps, level: "bad", words: `does not answer for ${span(now - at)}, since ${moment(at, now)}` };
}
