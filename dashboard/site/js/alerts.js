// The alerts that fire, the worst first; those that will, if it goes on, after them.

import { el } from "./dom.js";
import { levelOfAlert } from "./health.js";
import { moment, span } from "./time.js";

function row(alert, now) {
  const level = alert.state === "firing" ? levelOfAlert(alert) : "pending";
  const where = [alert.app, alert.host].filter(Boolean).join(" on ");
  return el(
    "li",
    { class: "alert", "data-level": level },
    el("span", { class: "tag" }, level === "bad" ? "critical" : level === "warn" ? "warning" : "pending"),
    el(
      "div",
      {},
      el("strong", {}, alert.summary || alert.name),
      alert.hint ? el("p", {}, alert.hint) : null,
      el(
        "p",
        { class: "quiet" },
        [alert.summary && alert.name, where, `for ${span(now - alert.since)}, since ${moment(alert.since, now)}`]
          .filter(Boolean)
          .join(" · "),
      ),
    ),
  );
}

/** What stands under "Alerts". */
export function alertList(alerts, now) {
  const order = ["bad", "warn"];
  const firing = alerts.filter((one) => one.state === "firing");
  firing.sort((a, b) => order.indexOf(levelOfAlert(a)) - order.indexOf(levelOfAlert(b)) || b.since - a.since);
  const pending = alerts.filter((one) => one.state === "pending");
  if (!firing.length && !pending.length) return el("p", { class: "nothing" }, "No alert is firing.");
  return el(
    "div",
    {},
    firing.length ? null : el("p", { class: "nothing" }, "No alert is firing yet."),
    el("ul", { class: "alerts" }, ...firing.map((one) => row(one, now)), ...pending.map((one) => row(one, now))),
  );
}
