"""Where the past comes from: a Prometheus, or CSV files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import promql_parser

from pipeline.backtest.history import History
from pipeline.base.errors import EnvironmentError_, UsageError
from pipeline.series import promql
from pipeline.series.config import JudgeConfig
from pipeline.series.csvfile import usual_step
from pipeline.series.from_csv import read_tables
from pipeline.series.from_prometheus import ARMS, fetch, fetch_arm
from pipeline.series.metric import MetricConfig, PerArm, PrometheusSource, templates
from pipeline.series.prometheus import Prometheus
from pipeline.series.samples import Samples
from pipeline.series.window import Span

__all__ = ["from_files", "from_server"]

_MOST_VALUES = 500


def from_files(config: JudgeConfig, baseline: Path, other: Path | None) -> History:
    """Of one version's file; `other`: of the other half of its fleet, at the same time. Raises UsageError."""
    if other is not None and baseline.exists() and other.exists() and baseline.samefile(other):
        raise UsageError(f"{other}: the same file for both sides, so nothing would be compared")
    tables = read_tables(config, baseline, other or baseline)
    if not all(len(t) for t in tables.times.values()):
        raise UsageError(f"{baseline}: no sample of any metric of the configuration")
    step = config.step or max(usual_step(t) for t in tables.times.values()) or 1.0
    samples = {
        arm: {name: replace(one, notes=()) for name, one in tables.samples[arm].items()} for arm in ARMS
    }
    begin = max(float(t[0]) for t in tables.times.values()) - step
    end = min(float(t[-1]) for t in tables.times.values())
    if other is not None and not tables.since_1970:
        raise UsageError(
            "two halves of a fleet are compared at the same time: times must be Unix seconds or dates"
        )
    return History(samples, Span(begin, end), step, at_once=other is not None)


def from_server(
    config: JudgeConfig, client: Prometheus, span: Span, step: float, split: str | None
) -> History:
    """Of the baseline's own series; `split`: a label whose values are dealt to two halves. Raises UsageError."""
    if split is None:
        samples: Mapping[str, Mapping[str, Samples]] = dict.fromkeys(
            ARMS, fetch_arm(config, client, "baseline", span, step)
        )
    else:
        values = _values(config, client, span, split)
        if len(values) < 2:
            raise UsageError(
                f"--split {split}: the baseline's series have {len(values)} values of that label: two are needed",
                hint="a label such as pod or instance; without --split one window is compared with the next",
            )
        halves = {arm: values[side::2] for side, arm in enumerate(ARMS)}
        samples = fetch(_halved(config, split, halves), client, dict.fromkeys(ARMS, span), step)
    said = {word for own in samples.values() for one in own.values() for word in one.incomplete}
    if said:
        raise EnvironmentError_(f"{client.url}: its answer is incomplete: {'; '.join(sorted(said))}")
    return History(samples, span, step, at_once=split is not None)


def _values(config: JudgeConfig, client: Prometheus, span: Span, label: str) -> list[str]:
    """The values that a label had in the series of the first metric's query."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", label):
        raise UsageError(f"--split {label}: not a label's name")
    # The last is the total: of hits there may have been none.
    *_, (_, query) = (config.metrics[0].prometheus or PrometheusSource()).queries()
    text = promql.fill(templates(query)[0], config.arms.baseline if config.arms else {}, 60)
    selector = next(
        part for part in promql.parts(promql.parse(text)) if isinstance(part, promql_parser.VectorSelector)
    )
    answer = client.query_range(
        f"count by ({label}) ({selector.prettify()})", span.start, span.end, min(3600.0, span.seconds / 10)
    )
    found = sorted({one.labels[label] for one in answer.series if one.labels.get(label)})
    if len(found) > _MOST_VALUES:
        raise UsageError(
            f"--split {label}: {len(found)} values; at most {_MOST_VALUES} can be dealt to two halves"
        )
    return found


def _halved(config: JudgeConfig, label: str, halves: Mapping[str, list[str]]) -> JudgeConfig:
    """The configuration in which both arms are the baseline, each with its half of a label's values."""
    if config.arms is None:
        raise UsageError("--split needs arms: in the configuration, and $arm in its queries")
    metrics = tuple(_halved_metric(metric, label, halves) for metric in config.metrics)
    arms = config.arms.model_copy(update={"canary": config.arms.baseline})
    return config.model_copy(update={"metrics": metrics, "arms": arms})


def _halved_metric(metric: MetricConfig, label: str, halves: Mapping[str, list[str]]) -> MetricConfig:
    source = metric.prometheus or PrometheusSource()
    queries = {}
    for key, query in source.queries():
        text = templates(query)[0]
        if not promql.uses_arm(text):
            raise UsageError(f"{metric.name}: {key} has no $arm, so --split cannot tell its halves apart")
        own = {}
        for arm, values in halves.items():
            pattern = "|".join(re.escape(value) for value in values).replace("\\", "\\\\").replace('"', '\\"')
            own[arm] = text.replace("$arm", f'$arm,{label}=~"{pattern}"')
        queries[key] = PerArm.model_construct(baseline=own["baseline"], canary=own["canary"])
    return metric.model_copy(update={"prometheus": source.model_copy(update=queries)})
