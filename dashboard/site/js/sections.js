// The charts: a section for each application, and one for each host that the range of time knows.

import { el, say } from "./dom.js";
import { PanelView } from "./panel.js";

export class Sections {
  /** `described` is panels.json; `onVisible` is called when a chart that was not read yet comes into view. */
  constructor(described, Plot, onVisible) {
    this.described = described;
    this.Plot = Plot;
    this.views = new Map();
    this.hosts = new Map();
    this.watch = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const view = this.views.get(target);
          if (!view) continue;
          view.visible = isIntersecting;
          if (isIntersecting && !view.read) onVisible();
        }
      },
      { rootMargin: "300px" },
    );
  }

  /** The panels of one application or one host (`labels`: {app} or {host}), which is asked for as each of `apps`. */
  panels(of, labels, apps) {
    const mine = this.described.panels.filter(
      (one) => one.of === of && (!one.apps || one.apps.some((app) => apps.includes(app))),
    );
    return el(
      "div",
      { class: "panels" },
      ...mine.map((panel) => {
        const view = new PanelView(panel, labels, this.Plot);
        this.views.set(view.root, view);
        this.watch.observe(view.root);
        return view.root;
      }),
    );
  }

  application({ app, title }) {
    return el(
      "section",
      { class: "application", "aria-labelledby": `charts-${app}` },
      el("h2", { id: `charts-${app}` }, title),
      this.panels("app", { app }, [app]),
    );
  }

  /** Brings the hosts' sections up to date with `found` (of hosts.js) in `place`. */
  showHosts(place, found, range) {
    const apps = new Map(found.map((one) => [one.host, one.apps.join()]));
    for (const [name, section] of this.hosts) {
      // What has become a host of another kind gets that kind's panels.
      if (apps.get(name) === section.apps) continue;
      for (const root of section.root.querySelectorAll(".panel")) this.forget(root);
      section.root.remove();
      this.hosts.delete(name);
    }
    for (const one of found) {
      if (!this.hosts.has(one.host)) this.hosts.set(one.host, this.host(one.host, one.apps));
      const section = this.hosts.get(one.host);
      section.root.dataset.level = one.level;
      say(section.app, one.apps.join(", "));
      say(section.state, one.words);
    }
    const order = found.map((one) => this.hosts.get(one.host).root);
    const there = [...place.children];
    if (order.length !== there.length || order.some((root, index) => root !== there[index])) {
      place.replaceChildren(
        ...(order.length ? order : [el("p", { class: "missing" }, `No host was heard of in ${range.words}.`)]),
      );
    } else if (!order.length) {
      place.replaceChildren(el("p", { class: "missing" }, `No host was heard of in ${range.words}.`));
    }
  }

  host(name, apps) {
    const state = el("span", { class: "state" });
    const app = el("span", { class: "quiet" });
    const title = el("h3", {}, el("span", { class: "lamp", "aria-hidden": "true" }), name, " ", app, " ", state);
    return {
      root: el("section", { class: "host", "data-host": name }, title, this.panels("host", { host: name }, apps)),
      apps: apps.join(),
      state,
      app,
    };
  }

  forget(root) {
    this.watch.unobserve(root);
    this.views.get(root)?.clear();
    this.views.delete(root);
  }

  /** Reads those charts that are in view and were not read since `since`. */
  async refresh(range, now, marks, since) {
    const due = [...this.views.values()].filter((one) => one.visible && (!one.read || one.read < since));
    for (const view of due) view.read = now;
    await Promise.all(due.map((view) => view.refresh(range, now, marks)));
  }

  /** Has every chart read again, and drawn anew with `anew`. */
  expire(anew) {
    for (const view of this.views.values()) {
      view.read = null;
      if (anew) view.clear();
    }
  }
}
