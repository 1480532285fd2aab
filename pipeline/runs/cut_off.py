"""A run that was killed before the end of its load (SIGKILL, a power cut), or is still at it: what there was of it.

Its run.json names all phases as they were planned. They end where the samples do, and the reason is told with every
verdict on them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipeline.base.text import duration
from pipeline.judge.evidence import Problem
from pipeline.runs.live import complete_until, sampled_until
from pipeline.runs.record import Record
from pipeline.runs.tables import find_table, read_requests, read_series

__all__ = ["cut_off"]


def cut_off(path: Path, record: Record) -> Record:
    """The record of the run in the directory `path` as it would be, had the run been interrupted.

    Raises RunDirectoryError where its tables cannot be read.
    """
    requests, series = find_table(path, "requests.csv"), find_table(path, "series.csv")
    end = 0.0
    if requests and series and record.rate:
        rows = read_requests(requests)
        answered = complete_until(rows, record.rate, record.later_steps)
        end = min(answered, sampled_until(read_series(series)))
    phases = [
        replace(phase, end=min(phase.end, round(end, 3))) for phase in record.phases if phase.start < end
    ]
    when = f"after {duration(round(end))} of load" if end >= 1 else "before there was load"
    problem = Problem("inconclusive", f"the run was killed, or has not ended: it breaks off {when}")
    told = [{"effect": each.effect, "message": each.message} for each in (*record.problems, problem)]
    return record.grown(phases=[phase.to_dict() for phase in phases], problems=told, under_way=False)
