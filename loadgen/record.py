"""What is kept of a run: one CSV row a request, and a histogram log. A kill costs their last second at most.

Rows are written as requests complete, so they are not sorted by `t`. Requests abandoned at an interrupt have
no row: what would have become of them is not known.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hdrh.log import HistogramLogWriter

from loadgen.cells import cell
from loadgen.histograms import histogram, record_all
from loadgen.result import COLUMNS, Result
from loadgen.tally import bounded

__all__ = ["Recorder"]

_NOT_IN_A_TAG = re.compile(r"[,\s]")  # a comma ends a tag; white space would break the line


class Recorder:
    """Writes results to a CSV file and a histogram log, either or none. Raises OSError when that fails.

    The log is HdrHistogram's format V2 in microseconds: each second one interval for each `served_by` (its tag;
    none when the header was absent), by the time of completion. Like `latency_us` it holds whole responses only.
    Call `start` once before the first `add`, `flush` every second, `close` at the end.

    Args:
        requests: The CSV file, one row a request, or None.
        log: The histogram log, or None.
    """

    def __init__(self, requests: Path | None = None, log: Path | None = None) -> None:
        self._rows: Any = None
        self._log: HistogramLogWriter | None = None
        self._latencies: dict[str, list[int]] = {}  # of the interval, by `served_by`
        self._tags: Counter[str] = Counter()
        self._flushed = 0.0
        with ExitStack() as opened:
            self._csv_file = (
                opened.enter_context(requests.open("w", newline="", encoding="utf-8")) if requests else None
            )
            self._log_file = opened.enter_context(log.open("w", encoding="utf-8")) if log else None
            if self._csv_file:
                self._rows = csv.writer(self._csv_file, lineterminator="\n")
            if self._log_file:
                self._log = HistogramLogWriter(self._log_file)
            self._files = opened.pop_all()

    def start(self, t0_unix: float, t0: float = 0.0) -> None:  # noqa: ARG002 # the interface's
        """Write the heads of both. The log's intervals are in seconds from `t0_unix`."""
        if self._rows is not None and self._csv_file is not None:
            self._rows.writerow(COLUMNS)
            self._csv_file.flush()
        if self._log is None or self._log_file is None:
            return
        self._log.output_comment("[Values are microseconds]")
        self._log.output_log_format_version()
        # Not output_start_time(): in hdrhistogram 0.10 it calls a method datetime does not have.
        when = datetime.fromtimestamp(t0_unix, UTC).isoformat(" ")
        self._log.output_comment(f"[StartTime: {t0_unix:.3f} (seconds since epoch), {when}]")
        self._log.output_comment(f"[BaseTime: {t0_unix:.3f} (seconds since epoch)]")
        self._log.output_legend()
        self._log_file.flush()

    def add(self, result: Result) -> None:
        answer = result.answer
        if self._rows is not None:
            self._rows.writerow(
                (
                    f"{result.t:.6f}",
                    result.lateness_us,
                    "" if result.latency_us is None else result.latency_us,
                    answer.status,
                    answer.error,
                    answer.size,
                    "" if answer.body_ok is None else int(answer.body_ok),
                    answer.body_crc,
                    cell(answer.served_by),
                    result.waited_us,
                    result.kind.name,
                )
            )
        if self._log is not None and result.latency_us is not None:
            latencies = self._latencies.get(answer.served_by)
            if latencies is None:
                latencies = self._latencies[answer.served_by] = []
            latencies.append(result.latency_us)

    def flush(self, t: float) -> None:
        """Hand everything so far to the operating system; the interval ends `t` seconds after the start."""
        if self._csv_file is not None:
            self._csv_file.flush()
        if self._log is None or self._log_file is None:
            return
        intervals: dict[str, Any] = {}
        for served_by, latencies in self._latencies.items():
            tag = bounded(_NOT_IN_A_TAG.sub("_", served_by), self._tags)
            self._tags[tag] += len(latencies)
            if tag not in intervals:
                intervals[tag] = histogram()
            record_all(intervals[tag], latencies)
        self._latencies.clear()
        for tag, interval in intervals.items():
            # The writer reads 0 as "not given" and falls back on these.
            interval.set_start_time_stamp(self._flushed * 1000)
            interval.set_end_time_stamp(t * 1000)
            if tag:
                self._log_file.write(f"Tag={tag},")  # the writer knows no tags, the format and its readers do
            self._log.output_interval_histogram(interval, self._flushed, t, max_value_unit_ratio=1.0)
        self._flushed = t
        self._log_file.flush()

    def close(self) -> None:
        self._files.close()
