"""Query templates: $arm stands for a version's label matchers, $step for the step.

Values are quoted by PromQL's rules (https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals),
so that a label's value stays a value whatever is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pipeline.base.units import parse_duration

__all__ = ["check", "fill", "ranges", "uses_arm"]

_TOKEN: Final = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`)"""
    r"""|(?P<comment>\#[^\n]*)"""
    r"""|\$(?P<variable>\w*)""",
    re.ASCII,
)
_RANGE: Final = re.compile(r"\[([^\]:]*)(?::[^\]]*)?\]")
_PART: Final = re.compile(r"(\d+)(ms|s|m|h|d|w|y)", re.ASCII)
_DAYS: Final = {"d": 1, "w": 7, "y": 365}


def check(query: str) -> str:
    """The query, when only $arm and $step are in it, and not within quotes. Raises ValueError."""
    for match in _TOKEN.finditer(query):
        if match["string"] and "$arm" in match["string"]:
            raise ValueError(
                '$arm stands for label matchers such as version="v1": it cannot be within quotes'
            )
        if match["variable"] is not None and match["variable"] not in ("arm", "step"):
            raise ValueError(f"${match['variable'][:40]} is not known: there are $arm and $step")
    return query


def uses_arm(query: str) -> bool:
    """Whether $arm is in the query, outside of quotes and comments."""
    return any(match["variable"] == "arm" for match in _TOKEN.finditer(query))


def fill(query: str, labels: Mapping[str, str], step: float) -> str:
    """The query with its variables replaced; `step` in seconds.

    >>> fill('rate(x{$arm}[$step])', {"version": 'v"1'}, 30)
    'rate(x{version="v\\\\"1"}[30s])'
    """
    values = {
        "arm": ",".join(f"{name}={_quoted(value)}" for name, value in labels.items()),
        "step": _step(step),
    }
    return _TOKEN.sub(lambda match: values.get(match["variable"] or "", match[0]), query)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _step(seconds: float) -> str:
    return f"{seconds:.0f}s" if seconds == round(seconds) else f"{seconds * 1000:.0f}ms"


def ranges(query: str) -> Iterator[float]:
    """The seconds of each range such as [5m] in a query that is filled."""
    bare = _TOKEN.sub(lambda match: "" if match["string"] or match["comment"] else match[0], query)
    for match in _RANGE.finditer(bare):
        parts = _PART.findall(match[1])
        if parts:
            yield sum(
                int(n) * 86400 * _DAYS[unit] if unit in _DAYS else parse_duration(f"{n}{unit}")
                for n, unit in parts
                if int(n)
            )
