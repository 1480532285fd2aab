"""What in a canary configuration does not do what it looks like: Kayenta passes over it in silence, a note does not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipeline.base.text import did_you_mean

__all__ = ["CANARY", "notes"]

_Place = tuple[str | int, ...]  # keys and indices from the configuration's top

CANARY: Final = "analysisConfigurations.canary"
# By place, the keys that are read and those that have another purpose (texts, queries, what Spinnaker adds).
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "": (
        *("metrics", "classifier", "judge", "name", "id", "description", "configVersion", "applications"),
        *("templates", "services", "owner", "createdTimestamp", "createdTimestampIso", "updatedTimestamp"),
        "updatedTimestampIso",
    ),
    "judge": ("name", "judgeConfigurations"),
    "metric": (
        "name",
        "groups",
        "analysisConfigurations",
        "query",
        "scopeName",
        "serviceName",
        "id",
        "isNew",
    ),
    "analysisConfigurations": ("canary",),
    CANARY: ("direction", "nanStrategy", "critical", "mustHaveData", "muted", "effectSize", "outliers"),
    f"{CANARY}.effectSize": (
        *("measure", "allowedIncrease", "allowedDecrease", "criticalIncrease", "criticalDecrease"),
    ),
    f"{CANARY}.outliers": ("strategy", "outlierFactor"),
    "classifier": ("groupWeights", "scoreThresholds"),
    "classifier.scoreThresholds": ("pass", "marginal"),
}
_NOT_A_PLACE: Final = ("name", "id")  # keys of several places
_PLACES: Final = {
    key: place for place, keys in _KEYS.items() if place for key in keys if key not in _NOT_A_PLACE
}
# By key, the words that Kayenta knows, and the one that any other word means.
_WORDS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "direction": (("increase", "decrease", "either"), "either"),
    "nanStrategy": (("remove", "replace"), "remove"),
    "strategy": (("remove", "keep"), "keep"),
    "measure": (("meanRatio", "cles"), "meanRatio"),
}
# Words of a metric's name by which more of it, or less, is known to be harm.
_MORE_IS_HARM: Final = frozenset(
    (
        *("latency", "duration", "error", "errors", "errored", "failure", "failures", "failed", "exception"),
        *(
            "exceptions",
            "timeout",
            "timeouts",
            "5xx",
            "500",
            "502",
            "503",
            "504",
            "restarts",
            "crashes",
            "lag",
        ),
        *("cpu", "memory"),
    )
)
_LESS_IS_HARM: Final = frozenset(
    ("success", "successes", "successful", "succeeded", "availability", "uptime")
)
_NAME_PART: Final = re.compile(r"[A-Z]?[a-z]+|\d+[a-z]*|[A-Z]+(?![a-z])")


def notes(data: Mapping[str, Any], judge: str) -> Iterator[tuple[_Place, str]]:
    """Each note, and the place it is about.

    Args:
        data: a configuration that is valid.
        judge: the name of the judge that judges.
    """
    yield from _unread((), data, "")
    asked = data.get("judge") or {}
    yield from _unread(("judge",), asked, "judge")
    if asked.get("name") not in (None, "", judge):
        yield ("judge", "name"), f"asks for the judge {asked['name']!r}, read as {judge} reads it"
    if asked.get("judgeConfigurations"):
        yield ("judge", "judgeConfigurations"), "'judgeConfigurations' is not read"
    for index, metric in enumerate(data["metrics"]):
        yield from _of_metric(("metrics", index), metric)
    yield from _unread(("classifier",), data["classifier"], "classifier")
    at, limits = ("classifier", "scoreThresholds"), data["classifier"].get("scoreThresholds") or {}
    yield from _unread(at, limits, "classifier.scoreThresholds")
    yield from _of_weights(data)


def _of_metric(at: _Place, metric: Mapping[str, Any]) -> Iterator[tuple[_Place, str]]:
    yield from _unread(at, metric, "metric")
    analyses = metric.get("analysisConfigurations") or {}
    yield from _unread((*at, "analysisConfigurations"), analyses, "analysisConfigurations")
    inside = analyses.get("canary") or {}
    at = (*at, "analysisConfigurations", "canary")
    yield from _unread(at, inside, CANARY)
    for key in ("effectSize", "outliers"):
        yield from _unread((*at, key), inside.get(key) or {}, f"{CANARY}.{key}")
    if said := _direction(str(metric["name"]), inside.get("direction")):
        yield (*at, "direction"), said


def _unread(at: _Place, given: Mapping[str, Any], place: str) -> Iterator[tuple[_Place, str]]:
    known = _KEYS[place]
    for key, value in given.items():
        if key not in known:
            yield (*at, key), f"'{key}' is not read{_instead(key, value, known, place)}"
        elif key in _WORDS and value not in _WORDS[key][0]:
            yield (*at, key), f"{key} {value!r} is not known and means '{_WORDS[key][1]}'"


def _instead(key: str, value: Any, known: tuple[str, ...], place: str) -> str:
    if key == "extensions" and place == "metric":
        return ": the key is analysisConfigurations"
    if key == "extendedProperties":
        more = " (staticBaseline)" if isinstance(value, Mapping) and "staticBaseline" in value else ""
        return f"{more}: another judge's; here the canary is compared with the baseline's series"
    if key in _PLACES and _PLACES[key] != place:
        return f" here: its place is {_PLACES[key]}".replace(
            "its place is metric", "its place is each metric"
        )
    return did_you_mean(key, known)


def _direction(name: str, direction: Any) -> str | None:
    words = {part.lower() for part in _NAME_PART.findall(name)}
    more, less = not words.isdisjoint(_MORE_IS_HARM), not words.isdisjoint(_LESS_IS_HARM)
    if direction == "decrease" and more and not less:
        return f"direction 'decrease': a rise of {name!r} passes; harm is 'increase'"
    if direction == "increase" and less and not more:
        return f"direction 'increase': a fall of {name!r} passes; harm is 'decrease'"
    return None


def _of_weights(data: Mapping[str, Any]) -> Iterator[tuple[_Place, str]]:
    weights: Mapping[str, float] = data["classifier"].get("groupWeights") or {}
    used = {group for metric in data["metrics"] for group in metric["groups"]}
    at: _Place = ("classifier", "groupWeights")
    for group in weights:
        if group not in used:
            yield (*at, group), f"group {group!r} has a weight and no metric: it is lost"
    total = sum(weights.values())
    if weights and (total > 100 or (total < 100 and used <= weights.keys())):
        yield at, f"the weights add up to {total:g}, not 100"
