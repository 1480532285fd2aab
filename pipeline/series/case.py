"""`pipeline judge --config FILE.yml`: a configuration and where its series are, to the case that is judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.base.errors import UsageError
from pipeline.series.config import USUAL_STEP, JudgeConfig, load_config
from pipeline.series.csvfile import usual_step
from pipeline.series.evidence import Case, build, common_span
from pipeline.series.from_csv import read_tables
from pipeline.series.from_prometheus import ARMS, fetch
from pipeline.series.planned import Length, cut, ending
from pipeline.series.prometheus import Prometheus
from pipeline.series.samples import Samples
from pipeline.series.save import save
from pipeline.series.window import Span, WindowConfig, moves, parse_instant

__all__ = ["arm_name", "check_steps", "fetched", "from_csv", "from_prometheus", "span_of", "within"]

_MOST_STEPS = 100_000


def from_prometheus(
    config_path: Path,
    client: Prometheus,
    times: Mapping[str, str],
    *,
    now: float,
    planned: Length = None,
    keep: Path | None = None,
    sets: Iterable[str] = (),
) -> Case:
    """The case of a configuration's queries, with a release's own values (`sets`).

    `times` are instants as text that win over the configuration's: from, to, and baseline-from ... canary-to.
    `planned`, as of `parse_planned`, wins over the configuration's.
    `keep`: a directory for both versions' series as CSV files, which give the same verdict again.
    Raises UsageError, ConfigError, EnvironmentError_.
    """
    config = load_config(config_path, "prometheus", sets)
    return fetched(config, client, times, now=now, planned=planned, keep=keep)


def fetched(
    config: JudgeConfig,
    client: Prometheus,
    times: Mapping[str, str],
    *,
    now: float,
    planned: Length = None,
    keep: Path | None = None,
) -> Case:
    """The case of a configuration that was read; arguments as those of `from_prometheus`."""
    length = config.planned if planned is None else planned
    spans = {arm: span_of(config.window, arm, times, now, length) for arm in ARMS}
    both = common_span(spans["baseline"], spans["canary"], config.pairing)
    if both is not None:
        spans = dict.fromkeys(ARMS, both)
    spans = cut(spans, length)
    step = config.step or USUAL_STEP
    check_steps(spans, step)
    samples = fetch(config, client, spans, step)
    notes = list[str]()
    if keep is not None:
        if any(one.incomplete for own in samples.values() for one in own.values()):
            # Files do not say that something is missing in them, so they would be judged as if nothing were.
            notes.append(f"An incomplete answer is not kept: nothing was written to {keep}")
        else:
            save(config, samples, keep)
    names = {arm: arm_name(config, arm) for arm in ARMS}
    end = ending(round(spans["canary"].seconds, 3), length, whole=False)
    by_time = both is not None
    return build(
        config,
        samples,
        spans,
        step,
        by_time=by_time,
        end=end,
        names=names,
        notes=notes,
        source=client.url,
    )


def arm_name(config: JudgeConfig, arm: str) -> str:
    """What a version is called: its label matchers; without any `baseline` or `canary`."""
    labels = getattr(config.arms, arm) if config.arms else {}
    return ",".join(f"{name}{matcher}" for name, matcher in labels.items()) or arm


def check_steps(spans: Mapping[str, Span], step: float) -> None:
    """Raises UsageError where a version's window holds no whole step, or too many of them."""
    for arm, span in spans.items():
        steps = span.seconds / step
        if steps > _MOST_STEPS:
            raise UsageError(
                f"{steps:,.0f} steps in the {arm}: at most {_MOST_STEPS:,}", hint="take a larger step"
            )
        if steps < 1:
            raise UsageError(f"the {arm}'s {span.seconds:g} s are less than one step of {step:g} s")


def span_of(
    window: WindowConfig | None, arm: str, times: Mapping[str, str], now: float, planned: Length
) -> Span:
    """One version's window: what was typed (`times`, as of `from_prometheus`), else the file's. Raises UsageError."""
    own = getattr(window, arm) if window else None
    edges = {}
    for edge, field in (("from", "start"), ("to", "end")):
        name = f"{arm}-{edge}" if times.get(f"{arm}-{edge}") else edge
        text = times.get(name)
        if text is None and window is not None:
            text = getattr(own, field) if own else getattr(window, field)
        if text is None and edge == "to" and isinstance(planned, float):
            text = "now"
        if text is None:
            raise UsageError(
                f"from when to when is the {arm}? no {edge} is given", hint="--from -30m --to now"
            )
        if edge == "from" and isinstance(planned, float) and moves(text):
            raise UsageError(
                f"a planned length needs a beginning that stays, and {text!r} is another one at each call",
                hint="--from 2026-01-31T10:00:00Z, when the canary began",
            )
        try:
            edges[field] = round(parse_instant(text, now), 3)
        except ValueError as error:
            raise UsageError(f"--{name}: {error}") from None
    span = Span(**edges)
    if span.end <= span.start:
        raise UsageError(f"the {arm}'s window ends before it begins")
    if span.end > now + 1:
        raise UsageError(f"the {arm}'s window ends in the future: nothing can be known of it yet")
    return span


def from_csv(
    config_path: Path,
    baseline: Path,
    canary: Path,
    *,
    planned: Length = None,
    sets: Iterable[str] = (),
) -> Case:
    """The case of two files; `planned` and `sets` as in `from_prometheus`. Raises UsageError and ConfigError."""
    config = load_config(config_path, "csv", sets)
    length = config.planned if planned is None else planned
    if baseline.exists() and canary.exists() and baseline.samefile(canary):
        raise UsageError(f"{canary}: the same file for both versions, so nothing would be compared")
    both_files = read_tables(config, baseline, canary)
    samples, times = both_files.samples, both_files.times
    empty = next((arm for arm, own in samples.items() if not any(map(len, own.values()))), None)
    if empty is not None:
        paths = {"baseline": baseline, "canary": canary}
        raise UsageError(
            f"{paths[empty]}: no sample of any metric of {config_path}",
            hint="a metric's column is called as the metric, or as csv: says (docs/prometheus.md)",
        )
    step = config.step or (max(usual_step(t) for t in times.values()) or 1.0)
    spans = {arm: Span(float(t[0]) - step, float(t[-1])) for arm, t in times.items()}
    both = None
    if config.pairing == "time" or both_files.since_1970:
        both = common_span(spans["baseline"], spans["canary"], config.pairing)
    if both is not None:
        spans = dict.fromkeys(ARMS, both)
    spans = cut(spans, length)
    if both is not None or length is not None:
        samples = {
            arm: {name: within(one, spans[arm]) for name, one in own.items()} for arm, own in samples.items()
        }
    end = ending(round(spans["canary"].seconds, 3), length, whole=True)
    names = {"baseline": str(baseline), "canary": str(canary)}
    source = f"{baseline} and {canary}"
    by_time = both is not None
    return build(config, samples, spans, step, by_time=by_time, end=end, names=names, source=source)


def within(samples: Samples, span: Span) -> Samples:
    """The samples that stand for a time within the span."""
    kept = (samples.t > span.start) & (samples.t <= span.end)
    total = samples.total[kept] if samples.total is not None else None
    return replace(samples, t=samples.t[kept], value=samples.value[kept], total=total)
