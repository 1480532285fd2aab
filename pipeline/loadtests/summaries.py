"""What load generators write that cannot be judged: sums of a whole test, without a time for anything in it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from pipeline.loadtests.recorded import refuse

__all__ = ["refuse_summary"]

_K6: Final = "k6 run --out csv=FILE.csv ..."
_LOCUST: Final = (
    "locust --csv NAME writes NAME_stats_history.csv; docs/inputs.md has a log of single requests"
)
_VEGETA: Final = "vegeta encode --to json FILE > FILE.json"
_WRK: Final = (
    "docs/inputs.md lists what can be judged: k6, vegeta, locust, JMeter, HdrHistogram logs, our own loader"
)
# By how it begins: what it is, and what to give instead.
_TEXTS: Final = (
    (r"Type,Name,Request Count,", "locust's sums of a whole test", _LOCUST),
    (r"Method,Name,Error,Occurrences", "locust's list of failures", _LOCUST),
    (r"Count,Message,Traceback", "locust's list of exceptions", _LOCUST),
    (r"Running \S+ test @", "wrk's report, one distribution for the whole test", _WRK),
    (r"This is ApacheBench", "ab's report", _WRK),
    (r"Summary:\s", "hey's or oha's report", _WRK),
    (r"Requests +\[total", "vegeta's report", _VEGETA),
)


def refuse_summary(path: Path, data: bytes) -> None:
    """Raises UsageError where this is a summary that is known."""
    head = data[:4000].decode("utf-8", "replace").lstrip()
    for pattern, what, instead in _TEXTS:
        if re.match(pattern, head):
            _refuse(path, what, instead)
    try:
        found = json.loads(data) if head.startswith("{") else None
    except (ValueError, RecursionError):
        return
    if not isinstance(found, dict):
        return
    if "metrics" in found and "root_group" in found:
        _refuse(path, "k6's summary of a whole test", _K6)
    if "latencies" in found and "status_codes" in found:
        _refuse(path, "vegeta's report", _VEGETA)
    if "Total" in found and "transaction" in (found["Total"] or {}):
        _refuse(path, "JMeter's statistics of a whole test", "jmeter -n -t PLAN -l FILE.jtl")


def _refuse(path: Path, what: str, instead: str) -> None:
    refuse(path, None, f"{what}: without the time of each request nothing can be told from chance", instead)
