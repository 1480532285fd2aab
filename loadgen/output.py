"""What a run prints: JSON lines for programs; a progress line and a summary for people."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping
from typing import Any, TextIO

__all__ = ["JsonLines", "Terminal"]


class JsonLines:
    """Each event as one line of JSON on `out`, flushed."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: dict[str, Any]) -> None:
        self._out.write(json.dumps(event, separators=(",", ":")) + "\n")
        self._out.flush()


class Terminal:
    """A line that rewrites itself on `progress` (None: none), and a summary on `out` at the end."""

    def __init__(self, out: TextIO, progress: TextIO | None) -> None:
        self._out = out
        self._progress = progress

    @classmethod
    def of_this_process(cls) -> Terminal:
        """The summary on standard output; the progress on standard error where that is a terminal."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # it may not have every letter of a server's name
                stream.reconfigure(errors="replace")
        return cls(sys.stdout, sys.stderr if sys.stderr.isatty() else None)

    def __call__(self, event: dict[str, Any]) -> None:
        if event["event"] == "second" and self._progress is not None:
            self._progress.write("\r\x1b[K" + _progress_line(event))
            self._progress.flush()
        elif event["event"] == "end":
            if self._progress is not None:
                self._progress.write("\r\x1b[K")
                self._progress.flush()
            self._out.write(_summary_text(event["summary"]))
            self._out.flush()


def _progress_line(event: Mapping[str, Any]) -> str:
    beyond = f"> {event['timeout_s']:g} s" if event["beyond"] else "-"
    return (
        f"{event['t']:5.0f} s  {event['sent']}/s  {event['errors']} errors  {event['wrong_bodies']} wrong  "
        f"status {_counts(event['status'])}  p50 {_ms(event['p50_ms'], beyond)}  p99 {_ms(event['p99_ms'], beyond)}  "
        f"{event['in_flight']} in flight, {event['waiting']} waiting"
    )


def _summary_text(summary: Mapping[str, Any]) -> str:
    beyond = f"> {summary['timeout_s']:g} s"
    rows = [
        ("requests", f"{summary['scheduled']} scheduled, {summary['sent']} sent"),
        ("completed", f"{summary['completed']}  (status {_counts(summary['status'])})"),
        ("errors", f"{summary['errors']}  ({_counts(summary['errors_by_kind'])})"),
        *((f"  {kind}", why) for kind, why in summary["examples"].items()),
        ("wrong bodies", str(summary["wrong_bodies"])),
        ("latency", _percentiles(summary["latency_ms"], beyond)),
        ("own lateness", _percentiles(summary["lateness_ms"], beyond)),
        ("reading late", _percentiles(summary["read_lateness_ms"], beyond)),
        ("scheduling", f"{summary['scheduling']}; {_processor(summary)}"),
    ]
    if summary["waited_ms"]:
        waited = f"{summary['queued']} for a connection: {_percentiles(summary['waited_ms'], beyond)}"
        rows.append(("waited", waited))
    if summary["served_by"]:
        rows.append(("served by", _counts(summary["served_by"])))
    for name, of_request in summary.get("by_request", {}).items():
        counts = f"{of_request['completed']} done, {of_request['errors']} errors, {of_request['wrong_bodies']} wrong"
        rows.append((f"  {name}", f"{counts}; {_percentiles(of_request['latency_ms'], beyond)}"))
    if summary["abandoned"]:
        rows.append(("abandoned", f"{summary['abandoned']} at the interrupt"))
    rows.append(("valid", "yes" if summary["valid"] else f"no: {summary['reason']}"))
    return "".join(f"{name:<13} {_printable(value)}\n" for name, value in rows)


def _processor(summary: Mapping[str, Any]) -> str:
    return f"{summary['cpu_s']:.1f} s of CPU, {summary['cpu_wait_s']:.1f} s waiting for it"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items()) or "none"


def _percentiles(values: Mapping[str, float | None] | None, beyond: str) -> str:
    if values is None:
        return "none measured"
    return "  ".join(f"{name} {_ms(values[name], beyond)}" for name in ("p50", "p90", "p99", "max"))


def _ms(value: float | None, beyond: str) -> str:
    return beyond if value is None else f"{value:.1f} ms"


def _printable(text: str) -> str:
    """`text` without control characters: it may hold a server's header, which must not move the cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
