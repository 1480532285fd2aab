// A panel: its title, its chart, its words where something is missing, and its numbers as a table.

import { chart, colorOf } from "./chart.js";
import { el, say } from "./dom.js";
import { read } from "./reading.js";
import { clock } from "./time.js";
import { levelOf, show } from "./units.js";

const last = (values) => values.at(-1);
const known = (values) => values.filter((value) => value !== null);

export class PanelView {
  /** `panel` of panels.json for `labels` ({app}, {host} or both); `Plot` is uPlot, or null where it could not be loaded. */
  constructor(panel, labels, Plot) {
    this.panel = panel;
    this.labels = labels;
    this.Plot = Plot;
    this.visible = false;
    this.read = null;
    this.drawn = null;
    const id = [labels.host, labels.app, panel.id].filter((one) => one !== undefined).join("-");
    this.plot = el("div", { class: "plot", role: "img" });
    this.note = el("p", { class: "note" }, "not read yet");
    this.when = el("th", { scope: "col" }, "now");
    this.rows = el("tbody");
    this.root = el(
      "article",
      { class: "panel empty", id, "aria-labelledby": `${id}-title`, "data-level": "good", "data-panel": panel.id },
      el("h4", { id: `${id}-title` }, panel.title),
      el(
        "details",
        {},
        el(
          "summary",
          {},
          el("span", { "aria-hidden": "true" }, "?"),
          el("span", { class: "hidden" }, "What is bad?"),
        ),
        el("p", {}, panel.bad),
      ),
      el("div", { class: "stage" }, this.plot, this.note),
      el(
        "table",
        {},
        el("caption", { class: "hidden" }, panel.title),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("th", { scope: "col" }, el("span", { class: "hidden" }, "series")),
            this.when,
            el("th", { scope: "col" }, "most"),
          ),
        ),
        this.rows,
      ),
    );
  }

  /** Reads and draws. What fails is said on the panel; what was drawn before stays below it. */
  async refresh(range, now, marks) {
    try {
      this.draw(await read(this.panel, this.labels, range, now), range, marks);
    } catch (error) {
      this.warn(`Not read: ${error.message}`, "unknown");
    }
  }

  warn(note, level) {
    say(this.note, note);
    this.root.dataset.level = level;
    this.note.hidden = !note;
  }

  draw(reading, range, marks) {
    this.reading = reading;
    const names = JSON.stringify(reading.series.map((one) => one.name));
    if (names !== this.drawn) this.clear();
    this.warn(reading.note, reading.level);
    this.root.classList.toggle("empty", reading.series.length === 0);
    this.plot.setAttribute("aria-label", `${this.panel.title}, ${range.words}; the numbers are in the table below`);
    this.cursor(null);
    if (!reading.series.length) return;
    if (!this.Plot) return this.warn("Charts cannot be drawn: their library is not on the monitor", "unknown");
    if (this.view) this.view.update(reading, marks, range);
    else
      this.view = chart(this.Plot, this.plot, this.panel, this.labels, reading, marks, range, (index) =>
        this.cursor(index),
      );
    this.drawn = names;
  }

  /** The table's numbers: at the cursor's point of the grid, or the newest. */
  cursor(index) {
    const { grid, series } = this.reading;
    say(this.when, index === null ? "now" : clock(grid[index]));
    const cells = series.map(({ name, values }, place) => {
      const value = index === null ? last(values) : values[index];
      const most = known(values).length ? Math.max(...known(values)) : null;
      const key = el("span", { class: "key", "aria-hidden": "true" });
      key.style.background = colorOf(name, place);
      return el(
        "tr",
        {},
        el("th", { scope: "row" }, key, name),
        el("td", { "data-level": levelOf(value, this.panel.thresholds) }, show(value, this.panel.unit)),
        el("td", {}, show(most, this.panel.unit)),
      );
    });
    this.rows.replaceChildren(...cells);
  }

  /** Forgets the chart, for instance because its colors are others now. */
  clear() {
    this.view?.destroy();
    this.view = null;
    this.drawn = null;
  }
}
