"""What a server has of each metric and version just now: told before the wait, which a misspelt label would waste."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import promql_parser as parser

from pipeline.base.text import clean, duration
from pipeline.series import promql
from pipeline.series.config import USUAL_STEP, JudgeConfig
from pipeline.series.matchers import Matcher
from pipeline.series.metric import PrometheusSource
from pipeline.series.prometheus import Prometheus, Value

__all__ = ["FirstLook", "Seen", "first_look"]

_ARMS: Final = ("baseline", "canary")
# Three numbers in one answer. The gap between scrapes is that of the series with the most of them, so that one which
# has just begun does not count.
_SEEN: Final = (
    'label_replace(count({0}), "is", "series", "", "")'
    ' or label_replace(time() - max(timestamp({0})), "is", "age", "", "")'
    " or label_replace(min((timestamp({0}) - min_over_time(timestamp({0})[2m:1s])) / (count_over_time({0}[2m]) - 1)), "
    '"is", "scrape", "", "")'
)
_SHARED: Final = ' or label_replace(count({0} and {1}), "is", "shared", "", "")'
_SHIFT: Final = re.compile(r"(?: offset -?\w+| @ (?:[-+.\w]+|start\(\)|end\(\)))+$", re.ASCII)
_SCRAPES: Final = 4  # that a step should have, and that it is taken to have where nothing tells
_OLD: Final = 2.0  # steps since the last sample


@dataclass(frozen=True, slots=True)
class Seen:
    """One selector of a metric in one version: how many series, how old the last sample is, how far scrapes lie apart.

    `age` and `scrape` are seconds, NaN where nothing tells; `shared` is how many of the series are the other version's
    as well.
    """

    metric: str
    arm: str
    selector: str
    series: int
    age: float
    scrape: float
    shared: int
    needed: bool


@dataclass(frozen=True, slots=True)
class FirstLook:
    """All selectors, and how many seconds the server's clock is ahead of this machine's."""

    seen: tuple[Seen, ...]
    ahead: float

    def behind(self, step: float) -> float:
        """How far the window's end stays behind now: two scrapes of the slowest metric, in whole seconds."""
        apart = [one.scrape for one in self.seen if math.isfinite(one.scrape) and one.scrape > 0]
        return float(math.ceil(2 * max(apart, default=step / _SCRAPES)))

    def shared(self) -> list[str]:
        """The selectors that find the same series for both versions, a line each."""
        return [
            f"{one.metric}: {one.shared:,} series of {clean(one.selector, 200)} are both versions'"
            for one in self.seen
            if one.shared
        ]

    def lines(self, step: float, known: Mapping[str, Sequence[str]]) -> Iterator[str]:
        """What it says of each metric and version, what is missing first; `known`: the values that labels do have."""
        for one in self.seen:
            if not one.series and one.needed:
                there = "; ".join(
                    f"{label} is {', '.join(values)}" for label, values in known.items() if values
                )
                yield (
                    f"{one.metric}: nothing in the {one.arm} for {clean(one.selector, 200)}"
                    + (f" (there {there})" if there else "")
                )
        for metric in dict.fromkeys(one.metric for one in self.seen):
            found = [self._of(metric, arm, step) for arm in _ARMS]
            yield f"{metric}: " + "; ".join(found)
        scrape = max((one.scrape for one in self.seen if math.isfinite(one.scrape)), default=0.0)
        if scrape * _SCRAPES > step * 1.05:
            yield (
                f"scrapes are {duration(round(scrape, 1))} apart and a step is {duration(step)}: rate() needs two in a "
                f"step, four are better (step: {duration(math.ceil(scrape) * _SCRAPES)})"
            )

    def _of(self, metric: str, arm: str, step: float) -> str:
        own = [one for one in self.seen if one.metric == metric and one.arm == arm]
        series = sum(one.series for one in own)
        ages = [one.age for one in own if math.isfinite(one.age)]
        if not series or not ages:
            return f"{arm} no series"
        old = " (scraped no more?)" if max(ages) > max(_OLD * step, 60) else ""
        return f"{arm} {series:,} series, last sample {duration(round(max(max(ages), 0)))} ago{old}"


def first_look(config: JudgeConfig, client: Prometheus, now: float) -> tuple[FirstLook, dict[str, list[str]]]:
    """Ask for each metric and version; with it by label the values that the versions' own labels have at all.

    `now` is this machine's time. Raises what the client raises.
    """
    step = config.step or USUAL_STEP
    labels = {arm: getattr(config.arms, arm) if config.arms else {} for arm in _ARMS}
    seen = list[Seen]()
    ahead = 0.0
    known: dict[str, list[str]] = {}
    for metric in config.metrics:
        source = metric.prometheus or PrometheusSource()
        for key, query in source.queries():
            texts = {arm: query if isinstance(query, str) else str(getattr(query, arm)) for arm in _ARMS}
            selectors = {arm: _selectors(promql.fill(text, labels[arm], step)) for arm, text in texts.items()}
            for arm in _ARMS:
                other = selectors["baseline"] if arm == "canary" else ()
                for i, selector in enumerate(selectors[arm]):
                    # One without a version's labels is compared where none has them: else it is joined to one that has.
                    own = other[i : i + 1] != (selector,) or selectors["baseline"] == selectors["canary"]
                    compared = i < len(other) and own
                    ask = _SEEN + (_SHARED if compared else "")
                    answer = client.query(ask.format(selector, other[i] if compared else ""))
                    # There may be no hits yet, nor events where the file says so; a total is always there.
                    needed = key == "total" or (key == "query" and source.absent != "zero")
                    found = _seen(metric.name, arm, selector, answer, needed=needed)
                    seen.append(found)
                    ahead = next((value.t - now for value in answer), ahead)
                    if not found.series and needed and not known:
                        known = _known(client, texts[arm], labels[arm], step)
    return FirstLook(tuple(seen), ahead if abs(ahead) > 1 else 0.0), known


def _seen(metric: str, arm: str, selector: str, answer: Sequence[Value], *, needed: bool) -> Seen:
    found = {value.labels.get("is", ""): value.value for value in answer}
    return Seen(
        metric,
        arm,
        selector,
        int(found.get("series", 0)),
        found.get("age", math.nan),
        found.get("scrape", math.nan),
        int(found.get("shared", 0)),
        needed,
    )


def _selectors(query: str) -> tuple[str, ...]:
    """Each selector of a query once, as PromQL writes it, without what shifts it in time."""
    found = []
    for part in promql.parts(promql.parse(query)):
        if isinstance(part, parser.VectorSelector):
            found.append(_SHIFT.sub("", str(part.prettify())))
    return tuple(dict.fromkeys(found))


def _known(
    client: Prometheus, template: str, labels: Mapping[str, Matcher], step: float
) -> dict[str, list[str]]:
    """The values that the labels of a version have in the metric, whatever the version."""
    found: dict[str, list[str]] = {}
    bare = promql.fill(template, {name: Matcher("!=", "") for name in labels}, step)
    for label in labels:
        for selector in _selectors(bare)[:1]:
            values = client.query(f"topk(5, count by ({label}) ({selector}))")
            found[label] = sorted(clean(value.labels.get(label, ""), 40) for value in values)
    return found
