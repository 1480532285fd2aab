// How an application is, worked out from its headlines and its alerts. Knows nothing of the page.

import { levelOf, show } from "./units.js";

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

/** {level, word, reasons} of an application, from its headlines, all alerts, and whether a deploy of it is known. */
export function healthOf(app, headlines, alerts, deployed) {
  const silent = headlines.some((one) => one.unit === "answers" && one.value === 0);
  // A host that was just made answers with nothing; that is no trouble yet.
  if (silent && !deployed)
    return {
      level: "unknown",
      word: "not deployed",
      reasons: [{ level: "unknown", text: `next: pipeline deploy ${app}` }],
    };
  const reasons = [];
  if (headlines.every((one) => one.value === null))
    return {
      level: "unknown",
      word: WORDS.unknown,
      reasons: [{ level: "unknown", text: "Prometheus has no data of it at all" }],
    };
  for (const one of headlines) {
    if (one.unit === "answers" && one.value === 0) reasons.push({ level: "bad", text: "the probe gets no answer" });
    else if (one.value === null && one.decides) reasons.push({ level: "unknown", text: `no data on ${one.title}` });
    else if (one.level === "warn" || one.level === "bad")
      reasons.push({ level: one.level, text: `${one.title}: ${show(one.value, one.unit)}` });
  }
  for (const alert of alerts.filter((one) => one.app === app && one.state === "firing")) {
    reasons.push({ level: levelOfAlert(alert), text: alert.summary || alert.name });
  }
  reasons.sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level));
  const level = worst(reasons.map((one) => one.level));
  return { level, word: silent ? "does not answer" : WORDS[level], reasons };
}

const SENTENCES = {
  "not known": (title) => `nobody knows how ${title} is`,
  "not deployed": (title) => `${title} is not deployed`,
  "needs a look": (title) => `${title} needs a look`,
  "does not answer": (title) => `${title} does not answer`,
  "in trouble": (title) => `${title} is in trouble`,
};

/** {level, words} of everything, from [{title, level, word}] of the applications and all alerts. */
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
  const words = order.map((one) => SENTENCES[one.word](one.title)).join("; ");
  return { level, words: words.replace(/^nobody/, "Nobody") };
}
