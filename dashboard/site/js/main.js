// The page: reads all there is each ten seconds while it is live and in view, and says when it could not.

import { alertList } from "./alerts.js";
import { el, say } from "./dom.js";
import { headline, healthOf, overall } from "./health.js";
import { readAnswers, readHosts } from "./hosts.js";
import { isChange, markList, readMarks, releasesOf } from "./marks.js";
import { alertsNow, filled, monitorTime, valueOf } from "./prometheus.js";
import { Sections } from "./sections.js";
import { tile } from "./tiles.js";
import { RANGES, clock, span, windowOf, zone } from "./time.js";

const EVERY = 10; // seconds between two reads of everything but the charts, which have their own (time.js)
const STALE = 30; // seconds after which what is shown is no longer called now

const at = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search).get("range");
const page = {
  range: RANGES.find((one) => one.id === asked) ?? RANGES[1],
  live: true,
  busy: false,
  again: false,
  marks: [],
  good: null,
  trouble: "",
};

/** All that the top of the page shows, at `now`. */
async function readTop(described, now) {
  const panels = described.panels.filter((one) => one.headline);
  const values = described.applications.map(({ app }) =>
    Promise.all(
      panels
        .filter((one) => !one.apps || one.apps.includes(app))
        .map(async (one) =>
          headline(one, await valueOf(filled(one.headline.query, { app }, windowOf(RANGES[0])), now)),
        ),
    ),
  );
  const apps = described.applications.map((one) => one.app);
  const [alerts, answers, marks, hosts, ...headlines] = await Promise.all([
    alertsNow(),
    readAnswers(now),
    readMarks(described.marks, page.range, now),
    readHosts(apps, page.range, now),
    ...values,
  ]);
  return { alerts, answers, marks, hosts, headlines };
}

function showTop(described, sections, { alerts, answers, marks, hosts, headlines }, now) {
  const found = described.applications.map((application, index) => {
    const { app } = application;
    const deploy = marks.find((one) => isChange(one) && one.app === app) ?? null;
    const places = answers.get(app) ?? [];
    const health = healthOf(application, headlines[index], alerts, places, releasesOf(marks, app));
    return { ...health, tile: tile(application, health, headlines[index], places, deploy, now) };
  });
  // Whoever is on a link in a tile stays there.
  const focused = document.activeElement?.closest("#tiles") ? document.activeElement.getAttribute("href") : null;
  at("tiles").replaceChildren(...found.map((one) => one.tile));
  if (focused) [...at("tiles").querySelectorAll("a")].find((one) => one.getAttribute("href") === focused)?.focus();
  const { level, words } = overall(found, alerts);
  showOverall(level, words);
  at("alerts").replaceChildren(alertList(alerts, now));
  at("marks").replaceChildren(markList(marks, page.range, now));
  sections.showHosts(at("hosts"), hosts, page.range);
}

function showOverall(level, words) {
  at("overall").dataset.level = level;
  say(at("overall-words"), words);
  document.title = `${{ good: "✓", warn: "▲", bad: "✗", unknown: "?" }[level]} ${words}`;
  at("icon").href = `/dashboard/icons/${level}.svg`;
}

/** Each second: how old is what is shown? */
function showAge() {
  const age = page.good ? (performance.now() - page.good.read) / 1000 : null;
  const when = page.good ? clock(page.good.now) : "";
  const late = age !== null && age > STALE;
  let words = age === null ? "not read yet" : `as of ${when}`;
  if (late) words += `, ${span(age)} ago`;
  say(at("freshness"), page.live ? words : `paused, ${words}`);
  document.body.classList.toggle("stale", late);
  const shown = page.good ? ` What is shown is of ${when}, ${span(age)} ago.` : "";
  at("trouble").hidden = !page.trouble;
  // Told once and not each second, as it is read out.
  if (page.trouble && (at("trouble").dataset.told !== page.trouble || age % 10 < 1))
    say(at("trouble"), `No new data: ${page.trouble}.${shown}`);
  at("trouble").dataset.told = page.trouble;
  if (page.trouble && (age === null || late)) showOverall("unknown", "Nobody knows how the applications are");
}

async function refresh(described, sections) {
  if (page.busy) {
    page.again = true;
    return;
  }
  page.busy = true;
  try {
    const range = page.range;
    const now = await monitorTime();
    const top = await readTop(described, now);
    page.marks = top.marks;
    page.trouble = "";
    page.good = { now, read: performance.now() };
    showTop(described, sections, top, now);
    await sections.refresh(range, now, page.marks, now - range.every + 1);
  } catch (error) {
    page.trouble = error.message;
  } finally {
    page.busy = false;
    showAge();
  }
  if (page.again) {
    page.again = false;
    await refresh(described, sections);
  }
}

function controls(again, sections) {
  for (const range of RANGES) {
    const input = el("input", {
      type: "radio",
      name: "range",
      id: `range-${range.id}`,
      value: range.id,
      checked: range === page.range,
    });
    input.addEventListener("change", () => {
      page.range = range;
      history.replaceState(null, "", `?range=${range.id}${location.hash}`);
      sections.expire(false);
      again();
    });
    at("ranges").append(input, el("label", { for: `range-${range.id}` }, range.title));
  }
  at("live").addEventListener("click", () => {
    page.live = !page.live;
    at("live").setAttribute("aria-pressed", page.live);
    showAge();
    if (page.live) again();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    sections.expire(true);
    again();
  });
  document.addEventListener("visibilitychange", () => document.hidden || !page.live || again());
}

async function start() {
  say(at("zone"), zone());
  const response = await fetch("/dashboard/panels.json", { cache: "no-cache" });
  if (!response.ok)
    throw new Error(`the description of the panels is not on the monitor (status ${response.status})`);
  const described = await response.json();
  // Without its charts the page still says how the applications are.
  const Plot = await import("/dashboard/lib/uplot/dist/uPlot.esm.js").then(
    (module) => module.default,
    () => null,
  );
  const again = () => refresh(described, sections);
  const sections = new Sections(described, Plot, () => page.good && again());
  at("charts").replaceChildren(...described.applications.map((one) => sections.application(one)));
  controls(again, sections);
  setInterval(() => page.live && !document.hidden && again(), EVERY * 1000);
  setInterval(showAge, 1000);
  await again();
}

start().catch((error) => {
  page.trouble = error.message;
  showAge();
});
