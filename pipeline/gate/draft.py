"""A configuration as text, with comments that say where each of its values comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.base.text import clean, duration
from pipeline.gate.families import Query, Role
from pipeline.gate.noise import Margin, Noise
from pipeline.series.counters import why_not_raw
from pipeline.series.matchers import Matcher

__all__ = ["Draft", "Drafted", "is_raw", "noise_text"]

_WIDTH: Final = 110
_PLAIN: Final = re.compile(r"[A-Za-z][\w.%/-]*(?: [\w.%/-]+)*|[\d.]+(?:%|pp|ms|s|m|h|cores|MB/min)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Drafted:
    """One metric: its role and family, its queries, its margin and the noise behind that."""

    name: str
    role: Role
    family: str
    query: Query
    margin: Margin


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be written.

    Attributes:
        head: lines of comment at the top.
        label: which tells versions apart; `said`: how it was known which version is which.
        others: further labels that might.
        planned, step: seconds.
        left_out: what is known of, but not judged, and why.
    """

    head: tuple[str, ...]
    label: str
    said: str
    others: tuple[str, ...]
    baseline: Matcher
    canary: Matcher
    planned: float
    step: float
    scrape: float
    metrics: tuple[Drafted, ...]
    left_out: tuple[str, ...]

    def text(self) -> str:
        """The file."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        for line in self.head:
            yield from _comment(line)
        yield ""
        yield from _comment(f"Versions are told apart by {self.label}; {self.said}. A release's own values:")
        yield from _comment(f"--set baseline.{self.label}=... --set canary.{self.label}=...")
        if self.others:
            yield from _comment(f"Other labels that might (--label): {'; '.join(self.others)}")
        yield "arms:"
        yield f"  baseline: {{{self.label}: {_matcher(self.baseline)}}}"
        yield f"  canary: {{{self.label}: {_matcher(self.canary)}}}"
        yield ""
        yield from _comment(
            "How long a gate watches; a pass comes at that end. At least 30 steps: docs/gate.md says why."
        )
        yield f"planned: {_time(self.planned)}"
        yield from _comment(
            f"Four scrapes, which are {duration(self.scrape)} apart, so that a rate has enough of them."
        )
        yield f"step: {_time(self.step)}"
        yield ""
        yield from _comment(
            "margin: how much worse than the baseline is no harm. It is proposed from noise: windows of the last day, "
            f"{duration(self.planned)} long, were judged, each against the one before, as if that were the baseline "
            "and it the canary. Nine of ten were shown to be within the noise that is told below; the margin is the "
            "next round number above that and a quarter of it, and never a very close one. Both at once, as a gate "
            "sees them, lie closer. What you would not want to ship decides, not this: make it closer or wider."
        )
        yield "metrics:"
        for metric in self.metrics:
            yield from self._metric(metric)
        if self.left_out:
            yield ""
            yield "# Not judged:"
            for line in self.left_out:
                yield from _comment(f"- {line}")

    def _metric(self, metric: Drafted) -> Iterator[str]:
        role = metric.role
        yield f"  # {clean(metric.family, 80)}"
        yield f"  - name: {metric.name}"
        yield f"    title: {_scalar(role.title)}"
        yield f"    kind: {role.kind}"
        if role.kind != "proportion":
            yield f"    unit: {role.unit}"
        margin = metric.margin.text
        yield f"    margin: {_scalar(margin)}  # {noise_text(metric.margin.noise, role, margin)}"
        if role.floor is not None:
            yield f"    floor: {_scalar(role.floor)}  # less than this is no harm, however large a share it is"
        yield f"    group: {role.group}"
        yield f"    weight: {role.weight:g}"
        if role.critical:
            yield "    critical: true"
        yield "    prometheus:"
        if isinstance(metric.query, str):
            yield f"      query: {_quoted(metric.query)}"
            return
        raw = is_raw(metric.query)
        if raw:
            yield "      counters: true  # every request is counted once"
        for key, query in metric.query.items():
            yield f"      {key}: {_quoted(query)}"
        if raw:
            yield "      absent: zero  # no series of errors at all means: there was none"


def is_raw(query: Query) -> bool:
    """Whether hits and total are raw counters, whose rises are added up."""
    return not isinstance(query, str) and not any(why_not_raw(text) for text in query.values())


def noise_text(noise: Noise | None, role: Role, margin: str) -> str:
    """The noise behind a margin, in words."""
    if noise is None:
        return "a usual one: the last day does not tell the noise"
    if role.kind == "proportion":
        bound = f"{100 * noise.bound:.2g} percentage points"
    elif role.kind == "trend":
        bound = f"{noise.bound / 1e6:.2g} MB a minute"
    else:
        bound = f"{100 * noise.bound:.2g} %"
    wide = "; wide, so it finds only the grossest harm" if margin.endswith("%") and noise.bound > 1 else ""
    return f"noise: {bound}, of {noise.windows} windows{wide}"


def _comment(text: str) -> Iterator[str]:
    """Lines of comment; what is in the text cannot end one."""
    line = "#"
    for word in clean(text, 4000).split(" "):
        if len(line) + 1 + len(word) > _WIDTH and line != "#":
            yield line
            line = "#"
        line += f" {word}"
    yield line


def _time(seconds: float) -> str:
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _scalar(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _quoted(text: str) -> str:
    """Text in YAML's single quotes, within which only they themselves mean something."""
    return "'" + text.replace("'", "''") + "'"


def _matcher(matcher: Matcher) -> str:
    value = json.dumps(matcher.value)
    if matcher.operator == "!=":
        return f"{{not: {value}}}"
    looks = Matcher.of(matcher.value).operator != "="
    return value if matcher.operator == "=~" or not looks else f"{{is: {value}}}"
