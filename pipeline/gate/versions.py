"""Which of a label's values is the baseline and which the canary, by what was there in the last day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.base.errors import UsageError
from pipeline.gate.survey import Survey
from pipeline.series import promql
from pipeline.series.matchers import Matcher
from pipeline.series.prometheus import Prometheus
from pipeline.series.release import parse_set

__all__ = ["Versions", "given_versions", "versions_of"]

_ARMS: Final = ("baseline", "canary")
_DAY: Final = 86_400.0
_STEP: Final = 600.0


@dataclass(frozen=True, slots=True)
class Versions:
    """Both versions' matchers of the label, and how it was known which is which."""

    baseline: Matcher
    canary: Matcher
    said: str


def given_versions(sets: Iterable[str]) -> tuple[str | None, dict[str, str]]:
    """The label and the versions that `--set baseline.LABEL=VALUE` names. Raises UsageError for any other."""
    label, values = None, dict[str, str]()
    for text in sets:
        key, value = parse_set(text)
        arm, _, name = key.partition(".")
        if arm not in _ARMS or not name or label not in (None, name):
            raise UsageError(
                f"--set {key}: with --init it names a version by its label, the same for both",
                hint="--set baseline.version=1.4.0 --set canary.version=1.5.0",
            )
        label, values[arm] = name, value
    return label, values


def versions_of(client: Prometheus, found: Survey, given: Mapping[str, str], now: float) -> Versions:
    """The baseline is what was there most, the canary what came last. Raises UsageError where that tells nothing."""
    label = found.label
    if len(given) == len(_ARMS):
        return Versions(*(Matcher.of(given[arm]) for arm in _ARMS), "as they were given")
    age = _ages(client, found, now)
    values = [value for value in label.values if value not in given.values()]
    if "canary" in given:
        baseline = max(values, key=lambda value: age[value][1], default=None)
        canary = Matcher.of(given["canary"])
        if baseline is None:
            return Versions(_but(given["canary"]), canary, "the baseline is all that is not the canary")
        return Versions(_is(baseline), canary, "the baseline is what was there most in the last day")
    if label.is_place and len(label.values) > 1 and "baseline" not in given:
        last = _youngest(label.values, age)
        return Versions(
            _but(last),
            _is(last),
            f"{label.name} is a place, no version: the canary is one of {len(label.values)}, the baseline the others",
        )
    if "baseline" in given or len(values) == 1:
        baseline = given.get("baseline") or values[0]
        others = [value for value in values if value != baseline]
        if not others:
            said = "there is one version now: whatever else comes is the canary"
            return Versions(_is(baseline), _but(baseline), said)
        return Versions(_is(baseline), _is(_youngest(others, age)), "the canary is what came last")
    if len(values) > len(_ARMS) and not _came_apart(values, age):
        raise UsageError(
            f"which are the versions? {label}",
            hint=f"--set baseline.{label.name}=... --set canary.{label.name}=...",
        )
    canary = _youngest(values, age)
    rest = [value for value in values if value != canary]
    baseline = max(rest, key=lambda value: (age[value][1], value))
    if not _came_apart(values, age):
        return Versions(
            _is(baseline), _is(canary), "which of them is the canary is a guess: both came at one time"
        )
    return Versions(
        _is(baseline),
        _is(canary),
        "the canary is what came last, the baseline what was there most in the last day",
    )


def _ages(client: Prometheus, found: Survey, now: float) -> dict[str, tuple[float, float]]:
    """By value when it was first seen in the last day, and on how many series at how many times."""
    metric, matchers, only = found.service.anchor()
    if found.label.carrier is not None:
        metric, only = found.label.carrier.metric, ""
    arm = {name: Matcher("=", value) for name, value in matchers.items()}
    inner = ",".join(filter(None, (only, "$arm" if arm else "")))
    name = found.label.name
    query = promql.fill(f"count by ({name}) ({metric}{{{inner}}})", arm, 1)
    answer = client.query_range(query, now - _DAY, now, _STEP)
    ages = {one.labels.get(name, ""): (float(one.t[0]), float(one.value.sum())) for one in answer.series}
    return {value: ages.get(value, (now, 0.0)) for value in found.label.values}


def _youngest(values: Iterable[str], age: Mapping[str, tuple[float, float]]) -> str:
    return max(values, key=lambda value: (age[value][0], -age[value][1], value))


def _came_apart(values: Iterable[str], age: Mapping[str, tuple[float, float]]) -> bool:
    """Whether one of them came after all others."""
    begins = sorted(age[value][0] for value in values)
    return begins[-1] > begins[-2]


def _is(value: str) -> Matcher:
    return Matcher("=", value)


def _but(value: str) -> Matcher:
    """All but a value; one that looks like an expression is written as the expression that it alone matches."""
    return Matcher.of({"not": value if Matcher.of(value).operator == "=" else re.escape(value)})
