"""What only the canary logged, in words: for many failures the reason itself."""

from __future__ import annotations

from pathlib import Path

from pipeline.judge.verdict import Outcome, Verdict
from pipeline.runs.logs import LogLine, new_lines

__all__ = ["TITLE", "log_of", "sentence"]

TITLE = "Only the canary logged"
_KINDS = 20  # looked at, of which those that are shown are taken
_MOST = 5


def log_of(run: Path, verdict: Verdict) -> tuple[LogLine, ...]:
    """The kinds of line to show with a verdict: a handful, and with a pass only what reads like an error."""
    found = new_lines(run, most=_KINDS)
    if verdict.outcome is Outcome.PASSED:
        found = tuple(line for line in found if line.wrong)
    return found[:_MOST]


def sentence(line: LogLine) -> str:
    """One kind of line, with its place in the code, how often it came and when it came first.

    >>> sentence(LogLine("Error: no template", "index.js:58", 1204, "09:52:59", wrong=True))
    'Error: no template (index.js:58), 1,204 times, first at 09:52:59'
    """
    place = f" ({line.where})" if line.where else ""
    times = "once" if line.count == 1 else f"{line.count:,} times"
    first = f", {'at' if line.count == 1 else 'first at'} {line.first}" if line.first else ""
    return f"{line.text}{place}, {times}{first}"
