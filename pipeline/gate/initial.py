"""A first configuration for a service that a Prometheus knows: what to judge, by which labels, with which margins."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pipeline.base.console import Progress
from pipeline.base.errors import ConfigError, UsageError
from pipeline.base.text import clean, duration, plural, redact
from pipeline.gate.draft import Draft, Drafted
from pipeline.gate.families import read_families
from pipeline.gate.noise import Past, judge_past, outcomes, proposed, read_past
from pipeline.gate.survey import Choose, Service, Survey, survey
from pipeline.gate.versions import Versions, given_versions, versions_of
from pipeline.gate.wanted import config_of, matchers_text, wanted, without_status
from pipeline.series.config import Arms, JudgeConfig, load_config
from pipeline.series.prometheus import BudgetError, Prometheus

__all__ = ["Asked", "Initial", "propose", "refuse_existing", "write_new"]

_USUAL: Final = 1800.0  # seconds: half an hour
_STEPS: Final = 30  # that a planned window has at least
_SCRAPES: Final = 4  # that a step has
_SHORTEST: Final = 15.0
_LONGEST: Final = 3600.0
_SEEN: Final = 600.0  # seconds in which scrapes are counted
_INTERVALS: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed.

    Attributes:
        path: of the file that is to be written.
        service: label matchers of the service.
        label: the label that tells versions apart; None: what is there tells.
        sets: the versions, `canary.LABEL=VALUE`.
        planned: seconds that a gate will watch; None: half an hour, or what 30 steps are.
    """

    path: Path
    service: Mapping[str, str]
    label: str | None
    sets: tuple[str, ...]
    planned: float | None = None


@dataclass(frozen=True, slots=True)
class Initial:
    """What is proposed.

    Attributes:
        draft: the file.
        service: the matchers of the service.
        windows: of the last day's windows how many passed, failed and stayed undecided; empty where there are too few.
        questions: how many the server was asked.
    """

    draft: Draft
    service: Mapping[str, str]
    windows: Mapping[str, int]
    questions: int

    def to_dict(self, path: Path) -> dict[str, Any]:
        """Plain JSON types."""
        draft = self.draft
        return {
            "format": 1,
            "file": str(path),
            "service": dict(self.service),
            "label": draft.label,
            "other_labels": list(draft.others),
            "baseline": str(draft.baseline),
            "canary": str(draft.canary),
            "planned": draft.planned,
            "step": draft.step,
            "metrics": [
                {
                    "name": one.name,
                    "family": one.family,
                    "margin": one.margin.text,
                    "noise": one.margin.noise.bound if one.margin.noise else None,
                    "windows": one.margin.noise.windows if one.margin.noise else 0,
                }
                for one in draft.metrics
            ],
            "left_out": list(draft.left_out),
            "last_day": dict(self.windows),
            "questions": self.questions,
        }


def refuse_existing(path: Path) -> None:
    """Raise UsageError where there is something already, or no directory: before anything is asked."""
    if os.path.lexists(path):  # a link that leads nowhere is there, too
        raise UsageError(f"{path} is there already, and is not overwritten", hint="--config OTHER.yml")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no directory {path.parent}", hint=f"mkdir -p {path.parent}")


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet. Raises UsageError where one has come since."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"{path} is there already, and is not overwritten", hint="--config OTHER.yml"
        ) from None


def propose(asked: Asked, client: Prometheus, progress: Progress, choose: Choose) -> Initial:
    """Look at the server and say what its file would be.

    Raises UsageError where something must be decided and there is nobody to ask; and what the client raises.
    """
    table = read_families()
    label, given = given_versions(asked.sets)
    if asked.label is not None and label not in (None, asked.label):
        raise UsageError(f"--label {asked.label}, but --set names {label}")
    progress.detail("looking for known metrics")
    found = survey(table, client, asked.service, asked.label or label, choose)
    service = found.service
    now = client.query("vector(1)")[0].t  # by the server's clock
    progress.say(f"service: {_words(service.matchers)}; {', '.join(f.name for f in service.families)}")
    versions = versions_of(client, found, given, now)
    name = found.label.name
    progress.say(
        f"versions: baseline {name}{versions.baseline}, canary {name}{versions.canary}; {versions.said}"
    )
    possible = list(wanted(table, found))
    scrape = _scrape(client, service)
    step = min(max(_SCRAPES * scrape, _SHORTEST), _LONGEST)
    planned = _planned(asked.planned, step)
    config = _measuring(found, versions, possible, step, planned)
    past = _past(config, client, now - 2 * scrape, step, progress)
    kept = [one for one in possible if one.name not in past.lacking]
    if not kept:
        raise UsageError(
            f"none of {_names(possible)} has a sample of the baseline in the last day: "
            f"{next(iter(past.lacking.values()))}",
            hint=f"another --label, or --set baseline.{name}=VALUE",
        )
    metrics, windows = _margins(config, past, kept, planned, progress)
    left_out = [
        *(f"{name}: {why}" for name, why in past.lacking.items()),
        *without_status(service, found, {one.name for one in kept}),
    ]
    draft = Draft(
        head=tuple(_head(asked.path, client, service, windows, planned)),
        label=name,
        said=versions.said,
        others=tuple(str(one) for one in found.candidates if one is not found.label),
        baseline=versions.baseline,
        canary=versions.canary,
        planned=planned,
        step=step,
        scrape=scrape,
        metrics=tuple(metrics),
        left_out=tuple(left_out),
    )
    _check(draft)
    return Initial(draft, service.matchers, windows, client.asked)


def _check(draft: Draft) -> None:
    """The draft is one that a gate takes. Raises UsageError: a label may hold what no query may."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "canary.yml"
        path.write_text(draft.text(), "utf-8")
        try:
            load_config(path, "prometheus")
        except ConfigError as error:
            why = error.problems[0].partition(": ")[2]
            raise UsageError(
                f"what would be written is not valid: {why}", hint="another --service or --label"
            ) from None


def _words(matchers: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={clean(value, 60)}" for name, value in matchers.items()) or "all"


def _names(metrics: list[Drafted]) -> str:
    return ", ".join(one.name for one in metrics) or "the known metrics"


def _scrape(client: Prometheus, service: Service) -> float:
    """Seconds between two scrapes of the service, as far as the last ten minutes tell."""
    metric, matchers, only = service.anchor()
    inner = ",".join(filter(None, (only, matchers_text(matchers))))
    answer = client.query(f"max(count_over_time({metric}{{{inner}}}[{_SEEN:.0f}s]))")
    count = max((one.value for one in answer), default=0.0)
    if count < 2:
        return _SHORTEST
    return float(min(_INTERVALS, key=lambda seconds: abs(seconds - _SEEN / count)))


def _planned(given: float | None, step: float) -> float:
    if given is None:
        return max(_USUAL, _STEPS * step)
    if given % step:
        raise UsageError(
            f"{duration(given)} are no whole number of steps of {duration(step)}",
            hint=f"--for {(given // step + 1) * step:g}s",
        )
    return given


def _measuring(
    found: Survey, versions: Versions, metrics: list[Drafted], step: float, planned: float
) -> JudgeConfig:
    """The configuration by which noise is measured: usual margins, and no floor, which would hide it."""
    name = found.label.name
    arms = Arms(baseline={name: versions.baseline}, canary={name: versions.canary})
    if not metrics:
        raise UsageError(
            f"the service has {', '.join(f.name for f in found.service.families)}, of which nothing can be judged",
            hint="write the queries by hand: docs/prometheus.md",
        )
    return JudgeConfig(
        arms=arms, step=step, planned=planned, metrics=tuple(config_of(one, floor=False) for one in metrics)
    )


def _past(config: JudgeConfig, client: Prometheus, end: float, step: float, progress: Progress) -> Past:
    """The last day of the baseline. Raises UsageError where the questions that are left do not suffice."""
    try:
        return read_past(config, client, end, step, progress.detail)
    except BudgetError:
        raise UsageError(
            f"{client.asked:,} questions are not enough to measure the noise of {len(config.metrics)} metrics",
            hint=f"--queries {2 * client.asked}",
        ) from None


def _margins(
    config: JudgeConfig,
    past: Past,
    kept: list[Drafted],
    planned: float,
    progress: Progress,
) -> tuple[list[Drafted], Mapping[str, int]]:
    """The metrics with their margins, and what a gate with those would have said of the last day's windows."""
    by_name = {metric.name: metric for metric in config.metrics}
    measuring = config.model_copy(update={"metrics": tuple(by_name[one.name] for one in kept)})
    verdicts = judge_past(measuring, past.history, planned, progress.detail)
    metrics = [
        Drafted(one.name, one.role, one.family, one.query, proposed(by_name[one.name], one.role, verdicts))
        for one in kept
    ]
    if not verdicts:
        return metrics, {}
    again = config.model_copy(update={"metrics": tuple(config_of(one, floor=True) for one in metrics)})
    return metrics, outcomes(judge_past(again, past.history, planned, progress.detail))


def _head(
    path: Path,
    client: Prometheus,
    service: Service,
    windows: Mapping[str, int],
    planned: float,
) -> Iterator[str]:
    url = redact(client.url)
    yield (
        f"Written by `pipeline gate --init` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC for {_words(service.matchers)} "
        f"of {url}: {', '.join(family.name for family in service.families)}. What each key means: docs/prometheus.md."
    )
    yield f"pipeline gate --config {path.name} --prometheus {url}"
    yield f"pipeline backtest --config {path.name} --prometheus {url}   (how good it would be)"
    if windows:
        yield (
            f"Of {plural(sum(windows.values()), 'window')} of {duration(planned)} in the last day, each compared with "
            f"the one before it, this file passes {windows['passed']}, fails {windows['failed']} and leaves "
            f"{windows['undecided']} undecided."
        )
    else:
        yield "There is too little of the last day to measure its noise: margins are usual ones."
