// One uPlot chart: lines on a time axis, with marks, thresholds, and a cursor that all charts share.

import { isChange, marksOf } from "./marks.js";
import { axisLabels } from "./time.js";
import { show } from "./units.js";

const HEIGHT = 168;
const COLORS = 8;
// Bytes are counted in powers of two, and so are the lines behind them.
const POWERS = Array.from({ length: 50 }, (_, power) => 2 ** power);
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The color of a series, as the stylesheet has it: a status by its class, others by their place. */
export function colorOf(name, index) {
  return style(/^[1-5]\d\d$/.test(name) ? `--status-${name[0]}` : `--series-${index % COLORS}`);
}

function line(context, x, from, to, color, dash) {
  context.beginPath();
  context.strokeStyle = color;
  context.setLineDash(dash);
  context.moveTo(...(x === null ? from : [x, from]));
  context.lineTo(...(x === null ? to : [x, to]));
  context.stroke();
}

function drawMarks(plot, marks) {
  const { ctx: context, bbox } = plot;
  context.save();
  context.lineWidth = Math.max(1, devicePixelRatio);
  for (const mark of marks) {
    if (mark.at < plot.scales.x.min || mark.at > plot.scales.x.max) continue;
    const x = Math.round(plot.valToPos(mark.at, "x", true));
    const color = style(
      isChange(mark)
        ? `--${mark.kind}`
        : `--canary-${mark.verdict === "passed" || mark.verdict === "failed" ? mark.verdict : "other"}`,
    );
    line(
      context,
      x,
      bbox.top,
      bbox.top + bbox.height,
      color,
      isChange(mark) ? [] : [3 * devicePixelRatio, 3 * devicePixelRatio],
    );
    const size = 5 * devicePixelRatio;
    context.fillStyle = color;
    context.beginPath();
    context.moveTo(x - size, bbox.top);
    context.lineTo(x + size, bbox.top);
    context.lineTo(x, bbox.top + size * 1.5);
    context.fill();
  }
  context.restore();
}

function drawThresholds(plot, thresholds) {
  const { ctx: context, bbox } = plot;
  context.save();
  context.lineWidth = devicePixelRatio;
  for (const level of ["warn", "bad"]) {
    const value = thresholds[level];
    // On the edge of the chart the line would not be seen.
    if (value <= 0 || value >= plot.scales.y.max) continue;
    const y = Math.round(plot.valToPos(value, "y", true));
    line(context, null, [bbox.left, y], [bbox.left + bbox.width, y], style(`--${level}`), [
      2 * devicePixelRatio,
      5 * devicePixelRatio,
    ]);
  }
  context.restore();
}

function scaleY(panel) {
  if (panel.max !== undefined) return [0, panel.max];
  return (_, __, most) => {
    // A flat line at 0 needs an axis too, and a share near 0 should look small.
    const least =
      panel.unit === "share" ? 0.02 : panel.unit === "seconds" ? 0.01 : panel.unit.startsWith("bytes") ? 1024 : 1;
    return [0, Math.max((most ?? 0) * 1.15, panel.unit === "cores" ? 0.1 : least)];
  };
}

/**
 * Draws `reading` (of reading.js) into `place` with uPlot's constructor `Plot`. `onCursor(index or null)` is told where
 * the cursor is on the grid. Gives {update(reading, marks, range), destroy()}.
 */
export function chart(Plot, place, panel, labels, reading, marks, range, onCursor) {
  let shown = { marks: marksOf(marks, labels), range, end: reading.grid.at(-1) };
  const axis = {
    stroke: style("--quiet"),
    grid: { stroke: style("--grid"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  const single = reading.series.length === 1;
  const options = {
    width: Math.max(place.clientWidth, 100),
    height: HEIGHT,
    padding: [10, 20, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: "time" }, drag: { x: false, y: false }, y: false },
    scales: { x: { range: () => [shown.end - shown.range.seconds, shown.end] }, y: { range: scaleY(panel) } },
    axes: [
      { ...axis, size: 28, space: 64, values: (_, splits) => axisLabels(splits) },
      {
        ...axis,
        size: 68,
        space: 36,
        ...(panel.unit.startsWith("bytes") && { incrs: POWERS }),
        values: (_, splits) => splits.map((value) => show(value, panel.unit)),
      },
    ],
    series: [
      {},
      ...reading.series.map(({ name }, index) => ({
        label: name,
        stroke: colorOf(name, index),
        fill: single ? `${colorOf(name, index)}22` : undefined,
        width: 1.75,
        dash: DASHES[Math.floor(index / COLORS) % DASHES.length],
        points: { show: false },
      })),
    ],
    hooks: {
      draw: [
        (plot) => drawMarks(plot, shown.marks),
        (plot) => panel.thresholds && drawThresholds(plot, panel.thresholds),
      ],
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
    },
  };
  const data = (one) => [one.grid, ...one.series.map((its) => its.values)];
  const plot = new Plot(options, data(reading), place);
  const follow = new ResizeObserver(
    () => place.clientWidth && plot.setSize({ width: place.clientWidth, height: HEIGHT }),
  );
  follow.observe(place);
  return {
    update(next, itsMarks, itsRange) {
      shown = { marks: marksOf(itsMarks, labels), range: itsRange, end: next.grid.at(-1) };
      plot.setData(data(next));
    },
    destroy() {
      follow.disconnect();
      plot.destroy();
    },
  };
}
