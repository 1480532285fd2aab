// How an application is, worked out from its headlines and its alerts. Knows nothing of the page.

import { levelOf, short, show } from "./units.js";

// From best to worst. "unknown" is worse than "warn", since it may be anything.
export const LEVELS = ["good", "warn", "unknown", "bad"];
export const worst = (levels) => LEVELS[Math.max(0, ...levels.map((level) => LEVELS.indexOf(level)))];

const WORDS = { good: "well", warn: "needs a look", unknown: "not known", bad: "in trouble" };

/** The level of an alert, by its severity. */
export const levelOfAlert = (alert) => (["critical", "page", "error"].includes(alert.severity) ? "bad" : "warn");

/** One headline of a panel as it is: {title, unit, value, level, decides, panel}. `value` null: no data, NaN: idle. */
export function headline(panel, value) {
  const { title, unit = panel.unit, thresholds = panel.thresholds, decides = false } = panel.headline;
  return {
    panel: panel.id,
    title,
    unit,
    value,
    decides,
    level: value === null ? "unknown" : levelOf(value, thresholds),
  };
}

const do_ = (count) => (count === 1 ? "does" : "do");

/**
 * {level, word, sentence, reasons} of an application {app, title}, from its headlines, all alerts, its `hosts` (of
 * readAnswers), and by host the release that was deployed there, where that is known.
 */
export function healthOf({ app, title }, headlines, alerts, hosts, releases) {
  const silent = hosts.filter((one) => !one.answers);
  // A host that was just made answers with nothing; that is no trouble yet.
  if (hosts.length && silent.length === hosts.length && !releases.size)
    return {
      level: "unknown",
      word: "not deployed",
      sentence: `${title} is not deployed`,
      // FILE: the inventory, whose name only they know who deploy.
      reasons: [{ level: "unknown", text: `next: pipeline deploy ${title} -i FILE` }],
    };
  const reasons = [];
  if (headlines.every((one) => one.value === null))
    return {
      level: "unknown",
      word: WORDS.unknown,
      sentence: SENTENCES.unknown(title),
      reasons: [{ level: "unknown", text: "Prometheus has no data of it at all" }],
    };
  for (const { host } of silent) {
    const where = hosts.length > 1 ? `${host}: ` : "";
    if (releases.has(host) || hosts.length === 1) reasons.push({ level: "bad", text: `${where}the probe gets no answer` });
    else
      reasons.push({
        level: "unknown",
        text: `${where}not deployed; next: pipeline deploy ${title} -i FILE --limit ${host}`,
      });
  }
  if (new Set(releases.values()).size > 1) {
    const each = [...releases].sort().map(([host, release]) => `${host} ${short(release)}`);
    reasons.push({ level: "warn", text: `its hosts serve different releases: ${each.join(", ")}` });
  }
  for (const one of headlines) {
    if (one.unit === "answers" && one.value === 0) continue;
    if (one.value === null && one.decides) reasons.push({ level: "unknown", text: `no data on ${one.title}` });
    else if (one.level === "warn" || one.level === "bad")
      reasons.push({ level: one.level, text: `${one.title}: ${show(one.value, one.unit)}` });
  }
  for (const alert of alerts.filter((one) => one.app === app && one.state === "firing")) {
    reasons.push({ level: levelOfAlert(alert), text: alert.summary || alert.name });
  }
  reasons.sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level));
  const level = worst(reasons.map((one) => one.level));
  if (!silent.length) return { level, word: WORDS[level], sentence: SENTENCES[level](title), reasons };
  if (silent.length === hosts.length)
    return { level, word: "does not answer", sentence: `${title} does not answer`, reasons };
  const some = `${silent.length} of ${hosts.length}`;
  const not = `${do_(silent.length)} not answer`;
  return { level, word: `${some} ${not}`, sentence: `${some} hosts of ${title} ${not}`, reasons };
}

const SENTENCES = {
  good: (title) => `${title} is well`,
  unknown: (title) => `nobody knows how ${title} is`,
  warn: (title) => `${title} needs a look`,
  bad: (title) => `${title} is in trouble`,
};

/** {level, words} of everything, from [{level, sentence}] of the applications and all alerts. */
export function overall(applications, alerts) {
  const others = alerts.filter((one) => one.state === "firing").length;
  const level = worst(applications.map((one) => one.level));
  if (level === "good") {
    const words = applications.length === 2 ? "Both applications are well" : "All applications are well";
    return others
      ? { level: "warn", words: `${words}, but ${others} alert${others > 1 ? "s" : ""}` }
      : { level, words };
  }
  const order = applications.filter((one) => one.level !== "good");
  order.sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level));
  const words = order.map((one) => one.sentence).join("; ");
  return { level, words: words.replace(/^nobody/, "Nobody") };
}
