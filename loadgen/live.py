"""What is seen while a run goes on: a view that is drawn anew each second, or a line every few seconds.

Drawn by hand: a library for terminals (rich) takes 3 to 18 ms for such a view, in which no request would be sent.
"""

from __future__ import annotations

import shutil
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, Protocol, TextIO

from loadgen.words import counts, milliseconds, printable

__all__ = ["EVERY", "Lines", "Progress", "View"]

EVERY = 5  # seconds between two lines

_BARS = "▁▂▃▄▅▆▇█"
_SECONDS_SHOWN = 40
_CLEAR_LINE = "\x1b[K"


class Progress(Protocol):
    """Gets the events of a run; `clear` takes away what must not stay."""

    def __call__(self, event: Mapping[str, Any]) -> None: ...

    def clear(self) -> None: ...


class View:
    """A few lines on a terminal that are written over each second."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._drawn = 0  # lines
        self._begun: Mapping[str, Any] = {}
        self._status: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._wrong = 0
        self._p99: deque[float | None] = deque(maxlen=_SECONDS_SHOWN)

    def __call__(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "start":
            self._begun = event
        elif event["event"] == "second":
            self._status.update(event["status"])
            self._errors.update(event["errors_by_kind"])
            self._wrong += event["wrong_bodies"]
            beyond = event["timeout_s"] * 1000 if event["beyond"] else None
            self._p99.append(beyond if event["p99_ms"] is None else event["p99_ms"])
            self._draw(self._lines(event))

    def clear(self) -> None:
        self._draw([])

    def _lines(self, event: Mapping[str, Any]) -> list[str]:
        beyond = f"> {event['timeout_s']:g} s" if event["beyond"] else "-"
        told = [each for each in self._p99 if each is not None]
        duration = self._begun.get("duration", 0.0)
        rows = [
            ("", f"{event['t']:.0f} s of {duration:.0f} s   {self._begun.get('arrivals', '')}"),
            (
                "now",
                f"{event['sent']}/s sent, {event['completed']}/s completed, {event['in_flight']} in flight, "
                f"{event['waiting']} waiting",
            ),
            (
                "latency",
                f"p50 {milliseconds(event['p50_ms'], beyond)}  p99 {milliseconds(event['p99_ms'], beyond)}",
            ),
            ("p99", f"{bars(self._p99)}  up to {milliseconds(max(told, default=None), '-')}"),
            ("status", counts(self._status)),
            ("errors", counts(self._errors)),
            ("wrong bodies", str(self._wrong)),
            ("own lateness", f"p99 {milliseconds(event['lateness_p99_ms'], '-')}"),
        ]
        return [printable(f"{name:<13} {text}" if name else text) for name, text in rows]

    def _draw(self, lines: list[str]) -> None:
        width = shutil.get_terminal_size().columns - 1
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        shown = "".join(f"\r{line[:width]}{_CLEAR_LINE}\n" for line in lines)
        self._out.write(f"{up}{shown}\r\x1b[J")
        self._out.flush()
        self._drawn = len(lines)


class Lines:
    """A line every few seconds, where nothing can be written over: in a file, or a CI server's log."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._seconds: list[Mapping[str, Any]] = []
        self._told = 0.0

    def __call__(self, event: Mapping[str, Any]) -> None:
        if event["event"] != "second":
            return
        self._seconds.append(event)
        if event["t"] >= self._told + EVERY - 0.5:
            self._out.write(printable(line(self._seconds, event["t"] - self._told)) + "\n")
            self._out.flush()
            self._seconds.clear()
            self._told = event["t"]

    def clear(self) -> None:
        pass


def line(seconds: list[Mapping[str, Any]], took: float) -> str:
    """What happened in these seconds. The percentile is the highest of theirs."""
    status: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    for second in seconds:
        status.update(second["status"])
        errors.update(second["errors_by_kind"])
    last = seconds[-1]
    beyond = any(second["p99_ms"] is None and second["beyond"] for second in seconds)
    told = [second["p99_ms"] for second in seconds if second["p99_ms"] is not None]
    highest = f"> {last['timeout_s']:g} s" if beyond else milliseconds(max(told, default=None), "-")
    sent = sum(second["sent"] for second in seconds) / took
    wrong = sum(second["wrong_bodies"] for second in seconds)
    return (
        f"{last['t']:.0f} s  {sent:.4g}/s sent  status {counts(status)}  errors {counts(errors)}  "
        f"{wrong} wrong bodies  p99 up to {highest}  {last['in_flight']} in flight, {last['waiting']} waiting"
    )


def bars(values: deque[float | None]) -> str:
    """A bar for each value, in relation to the highest; a gap for None.

    >>> bars(deque([1.0, None, 8.0, 4.0]))
    '▁ █▄'
    """
    highest = max((each for each in values if each is not None), default=0.0) or 1.0
    return "".join(
        " " if each is None else _BARS[max(0, round(each / highest * len(_BARS)) - 1)] for each in values
    )
