"use strict";
// Draws each chart when it comes near the screen, in the colours of the page; all of them before printing.
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const charts = [...document.querySelectorAll(".chart")];
  const drawn = new Set();
  const coarse = matchMedia("(pointer: coarse)").matches;
  const config = { displayModeBar: false, responsive: true, doubleClick: "reset" };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

  // "@baseline" and the like name a colour of report.css
  const paint = (node) => {
    if (typeof node === "string") return node.startsWith("@") ? colour(node.slice(1)) : node;
    if (Array.isArray(node)) return node.map(paint);
    if (node && typeof node === "object") {
      return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, paint(value)]));
    }
    return node;
  };
  const axis = (given) => ({
    gridcolor: colour("grid"), linecolor: colour("rule"), zeroline: false, ticks: "outside",
    tickcolor: colour("rule"), ...given, title: { ...given?.title, font: { size: 12 }, standoff: 8 },
  });
  const draw = (element) => {
    const figure = paint(figures[element.dataset.chart]);
    const layout = {
      ...figure.layout,
      xaxis: axis(figure.layout.xaxis),
      yaxis: axis(figure.layout.yaxis),
      margin: { l: 52, r: 12, t: 20, b: 48 },
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("text") },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      showlegend: false, hovermode: "closest", dragmode: coarse ? false : "zoom",
      hoverlabel: { bgcolor: colour("soft"), font: { color: colour("text") } },
    };
    drawn.add(element);
    return Plotly.react(element, figure.data, layout, config);
  };

  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      observer.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "400px" });
  charts.forEach((element) => observer.observe(element));

  addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((element) => { element.open = true; });
    charts.forEach(draw);
  });
  const repaint = () => drawn.forEach(draw);
  addEventListener("afterprint", repaint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
})();
