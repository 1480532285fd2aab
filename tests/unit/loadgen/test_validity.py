"""When a run says nothing of the server: lateness on both sides, against its limit and against what is told."""

from __future__ import annotations

import pytest

from loadgen.plan import Plan
from loadgen.processor import NORMAL, Used
from loadgen.progress import Progress
from loadgen.result import Answer, Result
from loadgen.stats import Stats


def told(
    lateness_ms: int, latency_ms: int, read_late_ms: int = -1, used: Used | None = None, busy: float = 0.0
) -> tuple[bool, str]:
    """Whether a run of 100 such requests is valid, and why not."""
    stats = Stats(Plan("http://h/", 1, 1, max_lateness=0.1))
    for number in range(100):
        answer = Answer(0.0, status=200, read_late_us=read_late_ms * 1000 if read_late_ms >= 0 else -1)
        stats.add(Result(number, lateness_ms * 1000, latency_ms * 1000, answer))
    stats.second(1.0, Progress(100, 100, 50, 0, 0, 0), busy)
    summary = stats.summary(
        Progress(100, 100, 50, 0, 0, 0), t0_unix=0, elapsed=10, used=used or Used(1, 0), scheduling=NORMAL
    )
    return summary["valid"], summary["reason"] or ""


@pytest.mark.parametrize(
    ("late", "latency", "read_late"),
    [(1, 1, -1), (9, 10, 8), (40, 90, -1), (40, 90, 40), (90, 1000, 90)],
    ids=["little", "little, of little", "less than half", "less than half, twice", "much less than half"],
)
def test_lateness_that_is_small_or_a_small_part_is_no_reason(late: int, latency: int, read_late: int) -> None:
    assert told(late, latency, read_late) == (True, "")


@pytest.mark.parametrize(
    ("late", "latency", "read_late", "says"),
    [
        (124, 2000, -1, "the loader was late: p99 124 ms, the limit is 100 ms"),
        (1, 2000, 124, "the loader read late: p99 124 ms, the limit is 100 ms"),
        (62, 80, -1, "the loader was late, and that is most of the latency: p99 62 of 80 ms"),
        (1, 80, 60, "the loader read late, and that is most of the latency: p99 60 of 80 ms"),
    ],
)
def test_lateness_above_its_limit_or_most_of_what_is_told(
    late: int, latency: int, read_late: int, says: str
) -> None:
    assert told(late, latency, read_late) == (False, says)


def test_waiting_for_a_processor_is_told_where_it_made_the_loader_late_and_only_there() -> None:
    starved = Used(1, 4)
    assert told(124, 2000, used=starved)[1].endswith("it was ready and had no processor for 40% of the time")
    assert told(1, 2000, used=starved) == (True, "")


def test_a_second_in_which_it_used_or_waited_for_a_whole_core_is_overloaded_when_requests_waited() -> None:
    assert told(1, 2000, busy=0.95)[1].startswith("the loader was overloaded: 50 requests waited")
    assert told(1, 2000, busy=0.85) == (True, "")
