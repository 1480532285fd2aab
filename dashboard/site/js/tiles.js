// One tile for each application: its state in one word, why, and its headlines.

import { el } from "./dom.js";
import { moment, span } from "./time.js";
import { short, show } from "./units.js";

const MARKS = { good: "", warn: "▲ ", bad: "▲ ", unknown: "" };

function figure(one, app, hosts) {
  let text = show(one.value, one.unit);
  if (one.unit === "answers" && hosts.length > 1)
    text = `${hosts.filter((host) => host.answers).length} of ${hosts.length}`;
  if (one.value === null) text = "no data";
  else if (Number.isNaN(one.value)) text = "idle";
  const level = one.value === null && !one.decides ? "none" : one.level;
  return el(
    "div",
    { class: "figure", "data-level": level },
    el("dt", {}, el("a", { href: `#${app}-${one.panel}` }, one.title)),
    el("dd", {}, el("span", { "aria-hidden": "true" }, MARKS[one.level]), text),
  );
}

/** The application's hosts, where it has several: which of them answers, with the way to its charts. */
function placesOf(hosts) {
  if (hosts.length < 2) return null;
  const each = hosts.map(({ host, answers }) =>
    el(
      "li",
      { "data-level": answers ? "good" : "bad" },
      el("span", { class: "lamp", "aria-hidden": "true" }),
      el("a", { href: `#host-${host}` }, host),
      answers ? " answers" : " does not answer",
    ),
  );
  return el("ul", { class: "on" }, ...each);
}

/**
 * The tile of `application` in `health` (of health.js), with its headlines, its `hosts` (of readAnswers) and the last
 * deploy or rollback (or null).
 */
export function tile(application, health, headlines, hosts, deploy, now) {
  const deployed = deploy
    ? [
        deploy.kind === "rollback" ? "rolled back to " : "",
        el("span", {}, "release ", el("code", { title: deploy.labels.release ?? "" }, short(deploy.labels.release ?? "?"))),
        ` ${deploy.kind === "rollback" ? "" : "deployed "}${span(now - deploy.at)} ago, ${moment(deploy.at, now)}`,
      ]
    : ["no deploy is known"];
  const reasons = health.reasons.filter(
    (one, index, all) => all.findIndex((other) => other.text === one.text) === index,
  );
  return el(
    "article",
    {
      class: "tile",
      "data-level": health.level,
      "data-app": application.app,
      "aria-labelledby": `tile-${application.app}`,
    },
    el(
      "header",
      {},
      el("span", { class: "lamp", "aria-hidden": "true" }),
      el("h3", { id: `tile-${application.app}` }, application.title),
      el("strong", { class: "word" }, health.word),
    ),
    reasons.length
      ? el("ul", { class: "reasons" }, ...reasons.slice(0, 5).map((one) => el("li", {}, one.text)))
      : null,
    placesOf(hosts),
    el("dl", {}, ...headlines.map((one) => figure(one, application.app, hosts))),
    el("p", { class: "deployed" }, ...deployed),
  );
}
