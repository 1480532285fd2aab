"""What a run must show, or must not: `p99>200ms`, `errors>1%`, `rate<49/s`. What was not measured counts as worse."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from loadgen.durations import parse_duration
from loadgen.words import NAMES

__all__ = ["Condition", "broken", "parse_condition"]

_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FORM: Final = re.compile(r"\s*([a-z0-9.-]+)\s*(<=|>=|<|>)\s*(\S+(?: \S+)?)\s*")
_OF_SERVICE: Final = "service-"
_TIMES: Final = {name: key for key, name in NAMES.items()}  # p99.9: p999
_COUNTS: Final = {"errors": "errors", "failed": "failed", "wrong-bodies": "wrong_bodies"}
_RATE: Final = "rate"
_HOW: Final = "it is written p99>200ms, errors>1%, failed>10 or rate<49/s"


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of one figure of the summary.

    Attributes:
        text: As it was written.
        figure: What is compared.
        sign: How.
        limit: With what: milliseconds, a count, a share, or requests a second.
        share: Whether `limit` is a share of the requests that fell due.
    """

    text: str
    figure: str
    sign: str
    limit: float
    share: bool = False

    @property
    def of_worse(self) -> bool:
        """Whether it is true of what is worse: of a rate that is the lower one, else the higher one."""
        return ("<" in self.sign) == (self.figure == _RATE)

    @property
    def turned(self) -> str:
        """The same with the sign the other way round."""
        return self.text.replace(self.sign, {"<": ">", "<=": ">=", ">": "<", ">=": "<="}[self.sign])

    def value(self, summary: Mapping[str, Any]) -> float:
        """The figure; infinitely bad where there is none."""
        if self.figure == _RATE:
            return float(summary["completed_rate"] or 0.0)
        if self.figure in _COUNTS:
            count = summary[_COUNTS[self.figure]]
            if not self.share:
                return float(count)
            return count / summary["scheduled"] if summary["scheduled"] else math.inf
        of = summary["service_ms" if self.figure.startswith(_OF_SERVICE) else "latency_ms"] or {}
        value = of.get(_TIMES[self.figure.removeprefix(_OF_SERVICE)])
        return math.inf if value is None else float(value)

    def holds(self, summary: Mapping[str, Any]) -> bool:
        return _COMPARE[self.sign](self.value(summary), self.limit)

    def told(self, summary: Mapping[str, Any]) -> str:
        """What the figure is."""
        value = self.value(summary)
        if self.figure == _RATE:
            return f"{self.figure} is {value:.6g}/s"
        if self.share:
            return f"{self.figure} is {value:.3%}" if math.isfinite(value) else "no request was due"
        if self.figure in _COUNTS:
            return f"{self.figure} is {value:.0f}"
        if math.isfinite(value):
            return f"{self.figure} is {value:.1f} ms"
        beyond = (
            f"> {summary['timeout_s']:g} s" if summary["latency_ms"] else "not known: nothing was measured"
        )
        return f"{self.figure} is {beyond}"


def parse_condition(text: str) -> Condition:
    """What `text` says. Raises ValueError.

    >>> parse_condition("p99.9 > 1.5s"), parse_condition("errors>=1%").limit
    (Condition(text='p99.9 > 1.5s', figure='p99.9', sign='>', limit=1500.0, share=False), 0.01)
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a condition: {_HOW}")
    figure, sign, limit = match.groups()
    if figure == _RATE:
        return Condition(text, figure, sign, _number(text, limit.removesuffix("/s")))
    if figure in _COUNTS:
        share = limit.endswith("%")
        number = _number(text, limit.removesuffix("%"))
        return Condition(text, figure, sign, number / 100 if share else number, share)
    if figure.removeprefix(_OF_SERVICE) in _TIMES:
        if limit.replace(".", "", 1).isdigit():
            raise ValueError(f"{text!r}: a time has a unit, such as 200ms or 1.5s")
        return Condition(text, figure, sign, round(parse_duration(limit) * 1000, 6))
    known = ", ".join((*_TIMES, f"{_OF_SERVICE}p99 and so on", *_COUNTS, _RATE))
    raise ValueError(f"{text!r}: no figure is called {figure}; there are {known}")


def broken(
    summary: Mapping[str, Any], *, fail_if: tuple[Condition, ...], require: tuple[Condition, ...]
) -> list[str]:
    """Why the run has failed, a line for each condition; empty where it has not."""
    return [
        *(f"{each.told(summary)}: --fail-if '{each.text}'" for each in fail_if if each.holds(summary)),
        *(f"{each.told(summary)}: --require '{each.text}'" for each in require if not each.holds(summary)),
    ]


def _number(text: str, number: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", number, re.ASCII):
        raise ValueError(f"{text!r} is not a condition: {_HOW}")
    return float(number)
