"""What the page's tables say of each metric, each group and the score, in words; the template only lays it out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.base.text import clean, duration
from pipeline.judge.verdict import Decision, MetricVerdict, Summary, Verdict
from pipeline.judge.words import amount
from pipeline.report.interval import bar
from pipeline.report.text import DECISIONS, MISSING, between, change, plain, short, size, threshold

__all__ = ["evidence_words", "flatten", "group_rows", "metric_row", "score_rows"]


def metric_row(metric: MetricVerdict, identity: str) -> dict[str, Any]:
    """One metric in the words of the page; `identity` is its anchor there."""
    baseline, canary = amount(metric.baseline.value, metric.unit), amount(metric.canary.value, metric.unit)
    return {
        "id": identity,
        "name": metric.name,
        "card": metric.decision is not Decision.NODATA,
        "title": clean(metric.title or metric.name),
        "decision": metric.decision,
        "word": DECISIONS[metric.decision],
        "critical": metric.critical,
        "baseline": baseline,
        "canary": canary,
        "change": plain(short(change(metric))),
        "between": plain(short(between(metric))),
        "bar": bar(metric),
        "chart": None,
        "allowed": plain(short(threshold(metric))),
        "weight": f"{metric.weight:g}",
        "reason": clean(metric.reason),
        "evidence": evidence_words(metric),
        "spoken": f"Baseline {baseline}, canary {canary}.",
        "summaries": [
            _summary("baseline", metric.baseline, metric.unit),
            _summary("canary", metric.canary, metric.unit),
        ],
    }


def evidence_words(metric: MetricVerdict) -> str:
    """What the decision rests on, as one line; empty where there is nothing to say."""
    parts = []
    if (where := between(metric)) != MISSING:
        parts.append(plain(f"change {where} (+ is worse), {threshold(metric)} allowed"))
    if metric.effective is not None and math.isfinite(metric.effective):
        parts.append(
            f"the samples tell as much as {metric.effective:,.0f} that do not depend on one another would"
        )
    if metric.drift > 0 and math.isfinite(metric.drift):
        parts.append(f"a fail must exceed the calibrated drift of {plain(size(metric.drift, metric))}")
    if metric.decided_after is not None and math.isfinite(metric.decided_after):
        parts.append(f"shown {duration(metric.decided_after)} into the canary's measurement")
    if metric.more_minutes is not None and math.isfinite(metric.more_minutes):
        minutes = max(1, math.ceil(metric.more_minutes))
        parts.append(f"about {minutes} more minute{'' if minutes == 1 else 's'} of the same would decide")
    return "; ".join(parts)


def _summary(arm: str, summary: Summary, unit: str) -> dict[str, str]:
    low, high = amount(summary.p05, unit), amount(summary.p95, unit)
    return {
        "arm": arm,
        "value": amount(summary.value, unit),
        "median": amount(summary.median, unit),
        "spread": MISSING if MISSING in (low, high) else f"{low} to {high}",
        "n": f"{summary.n:,}",
    }


def group_rows(verdict: Verdict, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The table's groups in the verdict's order, each with its metrics' rows; `rows` has one for each metric."""
    scores = {group.name: group for group in verdict.groups}
    groups = []
    for name in dict.fromkeys([*scores, *(metric.group for metric in verdict.metrics)]):
        metrics = [row for metric, row in zip(verdict.metrics, rows, strict=True) if metric.group == name]
        group = scores.get(name)
        said = ""
        if group is not None:
            said = f"weight {group.weight:g}, " + (
                "no data" if group.score is None else f"score {group.score:.0f}"
            )
        if metrics:
            groups.append({"name": clean(name), "said": said, "metrics": metrics})
    return groups


def score_rows(verdict: Verdict) -> dict[str, Any] | None:
    """How the score comes about: each group's part and the sum. None where no group had data or no score is given."""
    scored = [(group, group.score) for group in verdict.groups if group.score is not None]
    if verdict.score is None or not scored:
        return None
    weight = sum(group.weight for group, _ in scored)
    points = sum(group.weight * score for group, score in scored)
    return {
        "groups": [
            {
                "name": clean(group.name),
                "weight": f"{group.weight:g}",
                "why": _lost(verdict, group.name, score),
                "score": f"{score:.4g}",
                "points": f"{group.weight * score:,.6g}",
            }
            for group, score in scored
        ],
        "weight": f"{weight:g}",
        "points": f"{points:,.6g}",
        "mean": f"{points / weight:.4g}",
        "score": f"{verdict.score:.4g}",
        "replaced": not math.isclose(verdict.score, points / weight, abs_tol=1e-6),
    }


def _lost(verdict: Verdict, group: str, score: float) -> str:
    """The metrics that may have cost the group its points."""
    if score == 100:
        return "nothing"
    lost = [
        f"{clean(m.title or m.name)} ({'fails' if m.decision is Decision.FAIL else 'half, undecided'}: {m.weight:g})"
        for m in verdict.metrics
        if m.group == group and m.decision in (Decision.FAIL, Decision.INCONCLUSIVE)
    ]
    return ", ".join(lost)


def flatten(value: object, limit: int = 400) -> list[tuple[str, str]]:
    """Nested mappings and lists as at most `limit` rows of (`a.b.c`, clean text), for a two-column table."""
    rows: list[tuple[str, str]] = []

    def walk(node: object, name: str, depth: int) -> None:
        if len(rows) >= limit:
            return
        nested = isinstance(node, list | tuple) and any(isinstance(x, Mapping | list | tuple) for x in node)
        if isinstance(node, Mapping) and node and depth < 8:
            for key, child in node.items():
                walk(child, f"{name}.{clean(key, 80)}" if name else clean(key, 80), depth + 1)
        elif isinstance(node, list | tuple) and nested and depth < 8:
            for index, child in enumerate(node, 1):
                walk(child, f"{name} {index}".strip(), depth + 1)
        else:
            text = ", ".join(map(str, node)) if isinstance(node, list | tuple) else node
            rows.append((name, "" if text is None else clean(text)))

    walk(value, "", 0)
    return rows
