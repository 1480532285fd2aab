"""The evidence of a run that lasts: no row twice, none half, and none of a second that is not complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline.base.errors import RunDirectoryError
from pipeline.runs.directory import load, write_record
from pipeline.runs.live import baseline_against_itself, complete_until
from pipeline.runs.record import Record
from pipeline.runs.tables import RequestRows
from tests.support.canary_stage import AT_ONCE, AT_ONCE_RUN, PHASES, RATE, RUN, Stage


def rows_at(due: Mapping[str, Sequence[float]]) -> RequestRows:
    """Requests by name that were due at these times."""
    t = np.asarray([at for times in due.values() for at in times], dtype=np.float64)
    names = np.asarray([name for name, times in due.items() for _ in times], dtype=np.str_)
    nothing, zero = np.full(len(t), "", dtype=np.str_), np.zeros(len(t), dtype=np.int64)
    return RequestRows(t, t, zero, zero, zero, zero, nothing, nothing, t, names)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_there_is_nothing_to_look_at_before_the_first_measured_second_is_whole(stage: Stage) -> None:
    assert stage.evidence() is None
    stage.requests(0, 2.9)
    stage.samples(0, 4)
    assert stage.evidence() is None


def test_each_look_sees_the_whole_seconds_so_far(stage: Stage) -> None:
    stage.requests(0, 5.5)
    stage.samples(0, 7)
    first = stage.evidence()
    stage.requests(5.5, 9)
    stage.samples(7, 10)
    second = stage.evidence()
    assert first is not None
    assert second is not None
    assert [at for at, _ in (first, second)] == [5, 9]
    assert first[1].baseline.requests.t.tolist() == [t / RATE for t in range(20, 50)]
    assert second[1].baseline.requests.t.tolist() == [t / RATE for t in range(20, 90)]
    assert second[1].baseline.series["service_cpu"].t.tolist() == [2.25, 3.25, 4.25, 5.25, 6.25, 7.25, 8.25]


def test_a_request_that_has_not_ended_ends_the_evidence_before_it(stage: Stage) -> None:
    """Otherwise a look would see the fast requests of the newest seconds and not the slow ones."""
    stage.requests(0, 9, without=(6.3,))
    stage.samples(0, 10)
    seen = stage.evidence()
    assert seen is not None
    assert seen[0] == 6
    stage.append("requests.csv", "6.300000,9,3000000,200,,5475,1,0a1b2c3d,blue\n")
    seen = stage.evidence()
    assert seen is not None
    assert seen[0] == 9
    assert seen[1].baseline.requests.latency.max() == 3


def test_evidence_ends_where_health_was_last_sampled(stage: Stage) -> None:
    stage.requests(0, 9)
    stage.samples(0, 6)
    seen = stage.evidence()
    assert seen is not None
    assert seen[0] == 5


def test_half_a_row_waits_for_its_other_half(stage: Stage) -> None:
    stage.samples(0, 9)
    stage.requests(0, 4)
    stage.append("requests.csv", "4.000000,9,60")
    assert stage.evidence() is not None
    stage.append("requests.csv", "00,200,,5475,1,0a1b2c3d,blue\n")
    stage.requests(4.1, 5)
    seen = stage.evidence()
    assert seen is not None
    assert seen[0] == 5
    assert seen[1].baseline.requests.latency[-10] == pytest.approx(0.006)


def test_a_warm_up_is_not_looked_at(stage: Stage) -> None:
    stage.requests(0, 13)
    stage.samples(0, 14)
    assert stage.evidence() is None


def test_the_files_cut_at_a_look_give_the_evidence_of_that_look(stage: Stage) -> None:
    """Everything after it may be there already when the run stops."""
    stage.requests(0, 18.4)
    stage.samples(0, 20)
    seen = stage.evidence()
    assert seen is not None
    at, live = seen
    stage.requests(18.4, 20)
    stage.samples(20, 22)
    phases = [phase.to_dict() for phase in PHASES]
    phases[-1]["end"] = at
    write_record(stage.path, Record.from_dict({**RUN, "phases": phases}))
    filed = load(stage.path).evidence
    for evidence in (live, filed):
        assert (evidence.canary.seconds, evidence.canary.phase_starts) == (4, (14,))
    for arm, other in ((live.baseline, filed.baseline), (live.canary, filed.canary)):
        for column in ("t", "latency", "status", "body_ok", "size", "body"):
            np.testing.assert_array_equal(getattr(arm.requests, column), getattr(other.requests, column))
        assert arm.series.keys() == other.series.keys()
        for name, series in arm.series.items():
            np.testing.assert_array_equal(series.value, other.series[name].value)


def test_a_look_in_the_baselines_phase_is_as_much_work_as_one_in_the_canarys(stage: Stage) -> None:
    stage.requests(0, 5)
    stage.samples(0, 6)
    early = stage.live.read()
    assert early is not None
    assert early.evidence.canary.seconds == 0
    mirror = baseline_against_itself(early)
    stage.requests(5, 17)
    stage.samples(6, 18)
    late = stage.live.read()
    assert late is not None
    assert len(mirror.canary.requests) == len(late.evidence.canary.requests)
    assert abs(len(mirror.baseline.requests) - len(late.evidence.baseline.requests)) <= 3 * RATE
    assert np.all(np.diff(mirror.baseline.requests.t) > 0)


def test_of_both_at_once_each_look_sees_as_much_of_each(tmp_path: Path) -> None:
    stage = Stage(tmp_path, AT_ONCE, AT_ONCE_RUN)
    stage.requests(0, 2)
    stage.samples(0, 3)
    assert stage.evidence() is None
    stage.requests(2, 5.5)
    stage.samples(3, 7)
    first = stage.evidence()
    stage.requests(5.5, 9)
    stage.samples(7, 10)
    second = stage.evidence()
    assert first is not None
    assert second is not None
    assert [at for at, _ in (first, second)] == [5, 9]
    for at, evidence in (first, second):
        assert evidence.baseline.seconds == evidence.canary.seconds == at - 2
        both = sorted(evidence.baseline.requests.t.tolist() + evidence.canary.requests.t.tolist())
        assert both == [number / RATE for number in range(20, round(at * RATE))]


def test_a_row_that_is_none_is_named_with_its_line_of_the_file(stage: Stage) -> None:
    stage.requests(0, 2)
    stage.live.read()
    stage.append("requests.csv", "2.0,9,x,200,,1,1,,blue\n")
    with pytest.raises(RunDirectoryError, match=r"requests\.csv:22: latency_us is 'x'"):
        stage.live.read()


@pytest.mark.parametrize(
    ("numbers", "until"), [([], 0), ([1, 2], 0), ([0, 1, 3], 0.2), ([2, 1, 0], 0.3), ([0, 0, 1], 0.2)]
)
def test_the_schedule_is_complete_up_to_its_first_gap(numbers: list[int], until: float) -> None:
    rows = rows_at({"": [number / 10 for number in numbers]})
    assert complete_until(rows, 10) == pytest.approx(until)


def test_a_later_step_stands_for_no_request_of_the_schedule() -> None:
    """It is due in between, and would hide that one of those is missing."""
    begun = [number / 10 for number in range(100) if number != 62]
    steps = [t + 0.02 for t in begun] + [6.2]
    rows = rows_at({"log in": begun, "account": steps})
    assert complete_until(rows, 10, {"account"}) == pytest.approx(4.92), "5 s before the newest"
    assert complete_until(rows_at({"log in": [*begun, 10.0, 20.0], "account": steps}), 10, {"account"}) == 6.2


def test_steps_have_all_ended_that_were_due_longer_ago_than_an_answer_may_take() -> None:
    begun = [number / 10 for number in range(100)]
    assert complete_until(rows_at({"log in": begun, "account": []}), 10, {"account"}) == pytest.approx(4.9)
    assert complete_until(rows_at({"log in": [0.0], "account": []}), 10, {"account"}) == 0
