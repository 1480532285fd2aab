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
        return Versions(Matcher.of(given["baseline"]), Matcher.of(given["canary"]), "as they were given")
    age = _ages(client, found, now)
    named = [Matcher.of(value) for value in given.values()]
    values = [value for value in label.values if not any(_has(one, value) for one in named)]
    if "canary" in given:
        canary = Matcher.of(given["canary"])
        if label.is_place or not values:
            others = Matcher.of({"not": given["canary"]})
            return Versions(others, canary, "the baseline is all that is not the canary")
        most = max(values, key=lambda value: age[value][1])
        return Versions(_is(most), canary, "the baseline is what was there most in the last day")
    if "baseline" in given:
        baseline = Matcher.of(given["baseline"])
        if values and not label.is_place:
            return Versions(baseline, _is(_youngest(values, age)), "the canary is what came last")
        return Versions(
            baseline, Matcher.of({"not": given["baseline"]}), "the canary is all that is not the baseline"
        )
    if len(values) == 1:
        said = "there is one version now: whatever else comes is the canary"
        return Versions(_is(values[0]), _but(values[0]), said)
    if label.is_place:
        last = _youngest(values, age)
        said = f"{label.name} is a place, no version: the canary is one of {len(values)}, the baseline the others"
        return Versions(_but(last), _is(last), said)
    if len(values) > len(_ARMS) and not _came_apart(values, age):
        raise UsageError(
            f"which are the versions? {label}",
            hint=f"--set baseline.{label.name}=... --set canary.{label.name}=...",
        )
    last = _youngest(values, age)
    most = max((value for value in values if value != last), key=lambda value: (age[value][1], value))
    said = (
        "the canary is what came last, the baseline what was there most in the last day"
        if _came_apart(values, age)
        else "which of them is the canary is a guess: both came at one time"
    )
    return Versions(_is(most), _is(last), said)


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


def _has(matcher: Matcher, value: str) -> bool:
    """Whether a matcher that was typed names a value."""
    return matcher.value == value or (
        matcher.operator == "=~" and re.fullmatch(matcher.value, value) is not None
    )


def _is(value: str) -> Matcher:
    return Matcher("=", value)


def _but(value: str) -> Matcher:
    """All but a value; one that looks like an expression is written as the expression that it alone matches."""
    return Matcher.of({"not": value if Matcher.of(value).operator == "=" else re.escape(value)})
