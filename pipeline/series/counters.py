"""Raw counters in a query: whether it selects nothing else, as `counters: true` says, or counts all since they began.

A counter begins again at 0 when its process does. In a sum of three the other two hide that, and what the judge
would take for a rise is none. So the rises are taken of each series by itself, and added up afterwards.
"""

from __future__ import annotations

import re
from typing import Final

import promql_parser as parser

from pipeline.series.promql import fill_with_examples, inside, parse

__all__ = ["since_the_beginning", "why_not_raw"]

# These give each series' own values.
_KEEPS_VALUES: Final = ("label_replace", "label_join", "last_over_time", "sort", "sort_desc")
_CHOOSES: Final = ("and", "or", "unless")
# Recorded rules are called level:metric:operations (https://prometheus.io/docs/practices/rules/).
_RECORDED: Final = re.compile(
    r"(?:^|_)(sum|avg|mean|min|max|count|stddev|quantile|topk|rate|irate|increase|delta|histogram)(?:\d+\w*?)?(?=_|$)"
)
_TOTALS: Final = ("_total", "_count", "_bucket")
_INSTEAD: Final = "select the counter itself, the rises of all its series are added up"


def why_not_raw(query: str) -> str | None:
    """Why the template's values are no raw counters, None when they are."""
    return _why_not(parse(fill_with_examples(query)))


def _why_not(query: parser.Expr) -> str | None:
    match query:
        case parser.ParenExpr():
            return _why_not(query.expr)
        case parser.VectorSelector():
            return _why_not_selector(query)
        case parser.AggregateExpr():
            return f"{query.op}() over counters does not show when one of them begins again: {_INSTEAD}"
        case parser.Call():
            if query.func.name not in _KEEPS_VALUES:
                return f"{query.func.name}() gives no counter: {_INSTEAD}"
            return next((why for inner in query.args if _is_series(inner) and (why := _why_not(inner))), None)
        case parser.MatrixSelector():
            return _why_not_selector(query.vector_selector)
        case parser.BinaryExpr() if str(query.op) == "or":
            return _why_not(query.lhs) or _why_not(query.rhs)
        case parser.BinaryExpr() if str(query.op) in _CHOOSES:
            return _why_not(query.lhs)
        case parser.BinaryExpr():
            return f"{query.op} changes a counter's values: {_INSTEAD}; `and on (...)` chooses among them"
    return f"this gives no counter: {_INSTEAD}"


def _is_series(query: parser.Expr) -> bool:
    return not isinstance(query, parser.StringLiteral | parser.NumberLiteral)


def _why_not_selector(query: parser.VectorSelector) -> str | None:
    if query.at is not None:
        return "with @ a counter has the same value at each step: leave that away"
    recorded = _RECORDED.search((_name(query) or "").partition(":")[2].rpartition(":")[2])
    if recorded:
        return f"{_name(query)} is recorded with {recorded[1]}, it is no raw counter: {_INSTEAD}"
    return None


def _name(query: parser.VectorSelector) -> str | None:
    if query.name:
        return query.name
    return next((one.value for one in query.matchers.matchers if one.name == "__name__"), None)


def since_the_beginning(query: str) -> str | None:
    """The counter of which the template gives all since it began, where each step's number is asked for; else None.

    Told by the names that counters have; one within a range is asked for its rise or rate.
    """
    return _outside_of_ranges(parse(fill_with_examples(query)))


def _outside_of_ranges(query: parser.Expr) -> str | None:
    if isinstance(query, parser.MatrixSelector | parser.SubqueryExpr):
        return None
    name = _name(query) if isinstance(query, parser.VectorSelector) else None
    if name and name.endswith(_TOTALS) and ":" not in name:
        return name
    return next((found for inner in inside(query) if (found := _outside_of_ranges(inner))), None)
