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
    this.notes = new Map();
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

  /** The panels of an application, a host, or an application on a host (`labels`: {app}, {host} or both), which is asked
   * for as each of `apps`. */
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
    const note = el("p", { class: "quiet", hidden: true });
    this.notes.set(app, note);
    return el(
      "section",
      { class: "application", "aria-labelledby": `charts-${app}` },
      el("h2", { id: `charts-${app}` }, title),
      note,
      this.panels("app", { app }, [app]),
    );
  }

  /** Brings the hosts' sections up to date with `found` (of hosts.js) in `place`. */
  showHosts(place, found, range) {
    // An application on several hosts is shown on each of them, besides all together. Those that are gone do not count.
    const shared = this.described.applications.filter(
      ({ app }) => found.filter((one) => one.level !== "unknown" && one.apps.includes(app)).length > 1,
    );
    for (const [app, note] of this.notes) {
      note.hidden = !shared.some((one) => one.app === app);
      say(note, "All its hosts together; each of them by itself is under Hosts.");
    }
    const partsOf = ({ apps }) => shared.filter(({ app }) => apps.includes(app));
    const kindOf = (one) => `${one.apps} ${partsOf(one).map(({ app }) => app)}`;
    const kinds = new Map(found.map((one) => [one.host, kindOf(one)]));
    for (const [name, section] of this.hosts) {
      // What has become a host of another kind gets that kind's panels.
      if (kinds.get(name) === section.kind) continue;
      for (const root of section.root.querySelectorAll(".panel")) this.forget(root);
      section.root.remove();
      this.hosts.delete(name);
    }
    for (const one of found) {
      if (!this.hosts.has(one.host))
        this.hosts.set(one.host, { ...this.host(one.host, one.apps, partsOf(one)), kind: kindOf(one) });
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

  /** A host's section; `parts` are the applications whose panels of this host are wanted. */
  host(name, apps, parts) {
    const state = el("span", { class: "state" });
    const app = el("span", { class: "quiet" });
    const title = el("h3", {}, el("span", { class: "lamp", "aria-hidden": "true" }), name, " ", app, " ", state);
    const more = parts.flatMap((part) => [
      el("h4", { class: "part" }, `${part.title} on ${name}`),
      this.panels("app", { app: part.app, host: name }, [part.app]),
    ]);
    const own = this.panels("host", { host: name }, apps);
    return {
      root: el("section", { class: "host", id: `host-${name}`, "data-host": name }, title, own, ...more),
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
