"""Query templates: $arm stands for a version's label matchers, $step for the step.

Values are quoted by PromQL's rules (https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals),
so that a label's value stays a value whatever is in it. What a query says is read by promql-parser, once the
variables, which are none of PromQL's, are filled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import promql_parser as parser

from pipeline.series.matchers import Matcher

__all__ = ["check", "fill", "fill_with_examples", "inside", "parse", "parts", "ranges", "uses_arm"]

_TOKEN: Final = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`)"""
    r"""|(?P<comment>\#[^\n]*)"""
    r"""|\$\{?(?P<variable>\w*)""",
    re.ASCII,
)
# What Grafana fills in, and what stands for it here.
_GRAFANA: Final[Mapping[str, str]] = {
    "__rate_interval": "write $step",
    "__interval": "write $step",
    "__interval_ms": "write $step",
    "__range": "a metric has a value a step: write $step",
    "__range_s": "a metric has a value a step: write $step",
    "__range_ms": "a metric has a value a step: write $step",
}
# A label's value that holds $name: in a regular expression nothing can follow the end that $ stands for.
_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)|([A-Za-z_]\w*))|\[\[(\w+)(?::\w+)?\]\]", re.ASCII)
# The parser calls itself for each nested part, and ends the process where the stack does: some thousands deep.
_DEEPEST: Final = 300
_NESTING: Final = re.compile(r"[-+*/%^(\[{<>]|[=!]=|\b(?:and|or|unless|atan2)\b", re.ASCII | re.IGNORECASE)
_EXAMPLES: Final = {"arm": 'version="v1"', "step": "15s"}


def check(query: str) -> str:
    """The query, when it is PromQL with no variables but $arm and $step. Raises ValueError."""
    for match in _TOKEN.finditer(query):
        if match["string"] and "$arm" in match["string"]:
            raise ValueError(
                '$arm stands for label matchers such as version="v1": it cannot be within quotes'
            )
        if match["variable"] is not None and match[0] not in ("$arm", "$step"):
            raise ValueError(_unknown(match["variable"][:40]))
    for part in parts(parse(fill_with_examples(query))):
        if isinstance(part, parser.VectorSelector):
            for matcher in (
                *part.matchers.matchers,
                *(one for few in part.matchers.or_matchers for one in few),
            ):
                if found := _VARIABLE.search(matcher.value):
                    name = next(filter(None, found.groups()))
                    raise ValueError(f"{matcher.name}: {_unknown(name[:40])}")
    return query


def _unknown(name: str) -> str:
    if name in _EXAMPLES:
        return f"${{{name}}} is not known: write ${name}"
    if name in _GRAFANA:
        return f"${name} is Grafana's: {_GRAFANA[name]}"
    return f"${name} is not known: there are $arm and $step"


def uses_arm(query: str) -> bool:
    """Whether $arm is in the query, outside of quotes and comments."""
    return any(match["variable"] == "arm" for match in _TOKEN.finditer(query))


def fill(query: str, labels: Mapping[str, Matcher], step: float) -> str:
    """The query with its variables replaced; `step` in seconds.

    >>> fill('rate(x{$arm}[$step])', {"version": Matcher("=", 'v"1')}, 30)
    'rate(x{version="v\\\\"1"}[30s])'
    """
    matchers = ",".join(f"{name}{one.operator}{_quoted(one.value)}" for name, one in labels.items())
    return _filled(query, {"arm": matchers, "step": _step(step)})


def fill_with_examples(query: str) -> str:
    """The query with some version and some step, to be read before either is known."""
    return _filled(query, _EXAMPLES)


def _filled(query: str, values: Mapping[str, str]) -> str:
    return _TOKEN.sub(lambda match: values.get(match["variable"] or "", match[0]), query)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _step(seconds: float) -> str:
    return f"{seconds:.0f}s" if seconds == round(seconds) else f"{seconds * 1000:.0f}ms"


def parse(query: str) -> parser.Expr:
    """The expression of a query that is filled. Raises ValueError when it is none."""
    bare = _TOKEN.sub(lambda match: "" if match["string"] or match["comment"] else match[0], query)
    if sum(1 for _ in _NESTING.finditer(bare)) > _DEEPEST:
        raise ValueError(f"has more than {_DEEPEST} operators and brackets: record it as a rule")
    try:
        return parser.parse(query)
    except ValueError as error:
        raise ValueError(f"is not PromQL: {' '.join(str(error).split())[:200]}") from None


def parts(query: parser.Expr) -> Iterator[parser.Expr]:
    """The expression and all that it is made of; a range's selector counts as a part of it."""
    yield query
    for inner in inside(query):
        yield from parts(inner)


def inside(query: parser.Expr) -> tuple[parser.Expr, ...]:
    """The expressions that this one is made of, none of theirs."""
    match query:
        case parser.Call():
            return tuple(query.args)
        case parser.BinaryExpr():
            return query.lhs, query.rhs
        case parser.AggregateExpr():
            return (query.expr,) if query.param is None else (query.param, query.expr)
        case parser.MatrixSelector():
            return (query.vector_selector,)
        case parser.ParenExpr() | parser.UnaryExpr() | parser.SubqueryExpr():
            return (query.expr,)
    return ()


def ranges(query: str) -> Iterator[float]:
    """The seconds of each range such as [5m] in a query that is filled."""
    for part in parts(parse(query)):
        if isinstance(part, parser.MatrixSelector | parser.SubqueryExpr) and part.range is not None:
            yield part.range.total_seconds()
