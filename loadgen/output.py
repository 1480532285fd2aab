"""What a run prints: JSON lines for programs; what is going on and a summary for people."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from loadgen.live import Lines, Progress, View
from loadgen.words import counts, percentiles, printable, size

__all__ = ["JsonLines", "Terminal", "summary_rows"]


class JsonLines:
    """Each event as one line of JSON on `out`, flushed."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: dict[str, Any]) -> None:
        self._out.write(json.dumps(event, separators=(",", ":")) + "\n")
        self._out.flush()


class Terminal:
    """What is going on, as `progress` shows it (None: not at all), and a summary on `out` at the end."""

    def __init__(self, out: TextIO, progress: Progress | None) -> None:
        self._out = out
        self._progress = progress

    @classmethod
    def of_this_process(cls, *, quiet: bool = False) -> Terminal:
        """The summary on standard output; what is going on, unless `quiet`, on standard error."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # it may not have every letter of a server's name
                stream.reconfigure(errors="replace")
        if quiet:
            return cls(sys.stdout, None)
        return cls(sys.stdout, View(sys.stderr) if sys.stderr.isatty() else Lines(sys.stderr))

    def __call__(self, event: dict[str, Any]) -> None:
        if self._progress is not None:
            self._progress(event)
        if event["event"] == "end":
            if self._progress is not None:
                self._progress.clear()
            rows = summary_rows(event["summary"], by_request=True)
            self._out.write("".join(f"{name:<13} {printable(value)}\n" for name, value in rows))
            self._out.flush()


def summary_rows(summary: Mapping[str, Any], *, by_request: bool) -> list[tuple[str, str]]:
    """The summary as names with their text, which is not to be trusted: it may hold a server's words.

    With `by_request` it has a row for each of several requests, too.
    """
    beyond = f"> {summary['timeout_s']:g} s"
    rows = [
        ("load", summary["arrivals"]),
        *([("replayed", summary["replayed"])] if "replayed" in summary else []),
        *_shards(summary.get("shards", ())),
        ("requests", f"{summary['scheduled']} scheduled, {summary['sent']} sent"),
        ("rate", _rates(summary)),
        ("completed", f"{summary['completed']}  (status {counts(summary['status'])})"),
        ("errors", f"{summary['errors']}  ({counts(summary['errors_by_kind'])})"),
        *((f"  {kind}", why) for kind, why in summary["examples"].items()),
        ("wrong bodies", str(summary["wrong_bodies"])),
        ("failed", f"{summary['failed']}  (errors, other statuses than expected, wrong bodies)"),
        ("bytes", f"{size(summary['bytes'])} of bodies"),
        ("latency", percentiles(summary["latency_ms"], beyond)),
        ("  since sent", percentiles(summary["service_ms"], "timed out")),
        ("own lateness", percentiles(summary["lateness_ms"], beyond)),
        ("reading late", percentiles(summary["read_lateness_ms"], beyond)),
        ("scheduling", f"{summary['scheduling']}; {_processor(summary)}"),
    ]
    if summary["waited_ms"]:
        waited = f"{summary['queued']} for a connection: {percentiles(summary['waited_ms'], beyond)}"
        rows.append(("waited", waited))
    if summary["served_by"]:
        rows.append(("served by", counts(summary["served_by"])))
    if by_request:
        rows += [
            (f"  {name}", f"{_came(each)}; {percentiles(each['latency_ms'], beyond)}")
            for name, each in summary.get("by_request", {}).items()
        ]
    if summary["abandoned"]:
        rows.append(("abandoned", f"{summary['abandoned']} at the interrupt"))
    rows += [("broken", why) for why in summary["failures"]]
    rows.append(("valid", "yes" if summary["valid"] else f"no: {summary['reason']}"))
    return rows


def _shards(shards: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    lost = [("  lost", shard["lost"]) for shard in shards if shard["lost"]]
    if not shards:
        return []
    return [("shards", f"{len(shards)}{f', of which {len(lost)} lost' if lost else ''}"), *lost]


def _came(each: Mapping[str, Any]) -> str:
    skipped = f", {each['skipped']} skipped" if each["skipped"] else ""
    return f"{each['completed']} done, {each['errors']} errors, {each['wrong_bodies']} wrong{skipped}"


def _rates(summary: Mapping[str, Any]) -> str:
    planned = "" if summary["rate"] is None else f"{summary['rate']:.6g}/s planned, "
    sent, completed = (
        "none" if (rate := summary[name]) is None else f"{rate:.6g}/s"
        for name in ("sent_rate", "completed_rate")
    )
    return f"{planned}{sent} sent, {completed} completed"


def _processor(summary: Mapping[str, Any]) -> str:
    return f"{summary['cpu_s']:.1f} s of CPU, {summary['cpu_wait_s']:.1f} s waiting for it"
