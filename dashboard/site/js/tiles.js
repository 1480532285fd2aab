// One tile for each application: its state in one word, why, and its headlines.

import { el } from "./dom.js";
import { short } from "./reading.js";
import { moment, span } from "./time.js";
import { show } from "./units.js";

const MARKS = { good: "", warn: "▲ ", bad: "▲ ", unknown: "" };

function figure(one, app) {
  let text = show(one.value, one.unit);
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

/** The tile of `application` in `health` (of health.js), with its headlines and its last deploy (or null). */
export function tile(application, health, headlines, deploy, now) {
  const deployed = deploy
    ? [
        el("span", {}, "release ", el("code", { title: deploy.labels.release ?? "" }, short(deploy.labels.release ?? "?"))),
        ` deployed ${span(now - deploy.at)} ago, ${moment(deploy.at, now)}`,
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
    el("dl", {}, ...headlines.map((one) => figure(one, application.app))),
    el("p", { class: "deployed" }, ...deployed),
  );
}
