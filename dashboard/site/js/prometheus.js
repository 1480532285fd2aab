// Prometheus's HTTP API, on the page's own origin. Every failure is one sentence that says what failed.

const BASE = "/prometheus/api/v1/";
const PATIENCE = 15000; // ms: a week of data on a small monitor takes some seconds

export class PrometheusError extends Error {}

async function ask(path, parameters) {
  let response;
  try {
    const asked = new URLSearchParams(parameters);
    response = await fetch(`${BASE}${path}?${asked}`, { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
  } catch (error) {
    const late = error.name === "TimeoutError";
    throw new PrometheusError(
      late ? `Prometheus does not answer within ${PATIENCE / 1000} s` : "the monitor cannot be reached",
    );
  }
  if (response.status === 401) throw new PrometheusError("the monitor wants its password: load the page again");
  if ([502, 503, 504].includes(response.status))
    throw new PrometheusError("Prometheus is not running on the monitor");
  let body;
  try {
    body = await response.json();
  } catch {
    throw new PrometheusError(`what answers is not Prometheus (status ${response.status})`);
  }
  if (body.status !== "success") throw new PrometheusError(`Prometheus refuses a query: ${body.error}`);
  return body.data;
}

const quoted = (value) => value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

/** A query of panels.json for `labels`: {app}, {host}, or both for an application's on one of its hosts. Rates are taken
 * over `window` seconds. */
export function filled(query, labels, window) {
  const both = labels.app !== undefined && labels.host !== undefined;
  const asked = both ? query.replaceAll('app="$app"', 'app="$app",host="$host"') : query;
  // A function as the replacement: a $ in a name must not mean anything.
  return asked.replace(/\$(app|host|window)\b/g, (_, name) =>
    name === "window" ? `${window}s` : quoted(String(labels[name])),
  );
}

/** The time on the monitor: its clock dates all data, not this machine's. */
export async function monitorTime() {
  const data = await ask("query", { query: "time()" });
  return Number(data.result[0]);
}

/** The value of a query at `now`: a number (NaN: nothing to divide by), or null where there is no data. */
export async function valueOf(query, now) {
  const { result } = await ask("query", { query, time: now });
  return result.length ? Number(result[0].value[1]) : null;
}

/** The series of a query on `grid` (of time.js): [{labels, points: Map(time -> number)}]. */
export async function seriesOf(query, grid) {
  const step = grid.length > 1 ? grid[1] - grid[0] : 1;
  const { result } = await ask("query_range", { query, start: grid[0], end: grid.at(-1), step });
  return result.map((one) => ({
    labels: one.metric,
    points: new Map(one.values.map(([at, value]) => [Math.round(at), Number(value)])),
  }));
}

/** When a query last had data between `from` and `to`, to a few seconds; null when it had none. */
export async function lastHeard(query, from, to) {
  const step = Math.max(1, Math.ceil((to - from) / 500));
  const found = await seriesOf(
    query,
    Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step),
  );
  const ends = found.map((one) => Math.max(...one.points.keys()));
  return ends.length ? Math.max(...ends) : null;
}

/** All alerts, firing and pending: [{name, severity, state, app, host, summary, hint, since}]. */
export async function alertsNow() {
  const { alerts } = await ask("alerts", {});
  return alerts.map(({ labels, annotations, state, activeAt }) => ({
    name: labels.alertname ?? "an alert without a name",
    severity: labels.severity ?? "",
    app: labels.app ?? "",
    host: labels.host ?? "",
    hint: annotations.hint ?? "",
    summary: annotations.summary ?? annotations.description ?? "",
    state,
    since: Date.parse(activeAt) / 1000,
  }));
}
