"""A watch of a real Prometheus: when it looks, when it ends, and what it does when the server is away."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from pipeline.base.console import Progress
from pipeline.base.errors import EnvironmentError_, Interrupted, LockedError, UsageError
from pipeline.gate.again import judge_again
from pipeline.gate.gate import gated
from pipeline.gate.run import GateRun, begin, held, unfinished
from pipeline.gate.settings import Settings
from pipeline.gate.watch import End, watch
from pipeline.judge.verdict import Decision, Outcome
from pipeline.runs.directory import load
from pipeline.series.prometheus import Prometheus
from tests.support.ports import free_port
from tests.support.real_prometheus import BEGIN, serving
from tests.support.virtual_clock import VirtualClock

START = float(BEGIN + 60)
BEHIND = 10.0
Asked = Callable[..., Settings]


def begun(settings: Settings) -> GateRun:
    return begin(settings, settings.read(), START, behind=BEHIND, ahead=0.0)


def followed(settings: Settings, run: GateRun, clock: VirtualClock) -> End:
    with Prometheus(settings.url) as client:
        return watch(run, settings.read(), settings, client, Progress(), clock.clock())


@pytest.mark.parametrize("every", [20.0, 150.0])
def test_the_same_code_passes_at_the_planned_end_and_no_earlier(
    server: str, asked: Asked, every: float
) -> None:
    settings, clock = asked(server, "same", every=every), VirtualClock(START)
    end = followed(settings, begun(settings), clock)
    assert (end.look.verdict.outcome, end.early) == (Outcome.PASSED, False)
    assert end.look.seconds == 600
    assert START + 600 + BEHIND <= clock.time <= START + 600 + BEHIND + 1


@pytest.mark.parametrize(("canary", "steps"), [("down", 2), ("failing", 3), ("erring", 10)])
def test_errors_end_it_within_a_few_steps(server: str, asked: Asked, canary: str, steps: int) -> None:
    settings, clock = asked(server, canary), VirtualClock(START)
    end = followed(settings, begun(settings), clock)
    assert (end.look.verdict.outcome, end.early) == (Outcome.FAILED, True)
    assert end.look.verdict.metrics[0].decision is Decision.FAIL
    assert end.look.seconds <= steps * 20


@pytest.mark.parametrize(("canary", "metric"), [("slow", "latency"), ("leaking", "leak")])
def test_a_median_a_fifth_higher_fails_and_so_does_a_leak(
    server: str, asked: Asked, canary: str, metric: str
) -> None:
    settings = asked(server, canary)
    end = followed(settings, begun(settings), VirtualClock(START))
    assert end.look.verdict.outcome is Outcome.FAILED
    assert [m.name for m in end.look.verdict.metrics if m.decision is Decision.FAIL] == [metric]


@pytest.mark.parametrize("canary", ["restarting", "missed"])
def test_counters_that_begin_again_and_scrapes_that_are_missed_are_no_harm(
    server: str, asked: Asked, canary: str
) -> None:
    settings = asked(server, canary)
    end = followed(settings, begun(settings), VirtualClock(START))
    assert end.look.verdict.outcome is Outcome.PASSED


def test_a_series_that_ends_does_not_pass(server: str, asked: Asked) -> None:
    settings = asked(server, "ended")
    end = followed(settings, begun(settings), VirtualClock(START))
    assert end.look.verdict.outcome is Outcome.INCONCLUSIVE
    assert "no samples of the canary" in " ".join(end.look.verdict.reasons)


def test_nothing_ends_it_early_where_that_is_wanted(server: str, asked: Asked) -> None:
    settings = asked(server, "erring", early_stop="off")
    end = followed(settings, begun(settings), VirtualClock(START))
    assert (end.look.verdict.outcome, end.early, end.look.seconds) == (Outcome.FAILED, False, 600)


def test_an_early_pass_comes_from_the_bounds_of_every_look(server: str, asked: Asked) -> None:
    settings = asked(server, "same", early_stop="both", planned=1500.0)
    end = followed(settings, begun(settings), VirtualClock(START))
    assert (end.look.verdict.outcome, end.early) == (Outcome.PASSED, True)
    assert "bounds that hold at every look" in " ".join(end.look.verdict.notes)


def test_no_sample_is_taken_that_may_still_change(server: str, asked: Asked) -> None:
    settings, clock = asked(server, "same"), VirtualClock(START)
    run, latest = begun(settings), list[tuple[float, float]]()

    def seen() -> None:
        file = run.path / "baseline.csv"
        if file.exists():
            times = [float(row["t"]) for row in csv.DictReader(file.read_text("utf-8").splitlines())]
            latest.append((clock.time, max(times)))
        clock.at.append((clock.time + 7, seen))

    clock.at.append((START + 7, seen))
    followed(settings, run, clock)
    assert len(latest) > 50
    assert all(last <= now - BEHIND for now, last in latest)


def test_a_server_that_is_away_for_a_while_is_waited_for(
    fleet: Path, tmp_path: Path, asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(fleet / "data", tmp_path / "prometheus" / "data", ignore=shutil.ignore_patterns("lock"))
    port, first, second = free_port(), ExitStack(), ExitStack()
    with first, second:
        url = first.enter_context(serving(tmp_path / "prometheus", port=port))
        settings, clock = asked(url, "same"), VirtualClock(START)
        clock.at = [
            (START + 100, first.close),
            (START + 300, lambda: second.enter_context(serving(tmp_path / "prometheus", port=port))),
        ]
        end = followed(settings, begun(settings), clock)
    assert (end.look.verdict.outcome, end.look.seconds) == (Outcome.PASSED, 600)
    told = " ".join(capsys.readouterr().err.split())
    assert told.count("cannot be asked: connection refused; waiting for it") == 1
    assert "the server answers again after 3 min" in told


def test_a_server_that_stays_away_is_an_error_and_the_same_command_goes_on_later(
    server: str, asked: Asked
) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    settings, clock = asked(gone, "same", patience=60.0), VirtualClock(START)
    run = begun(settings)
    with pytest.raises(EnvironmentError_, match="waited for 10 min") as error:
        followed(settings, run, clock)
    assert "the same command goes on" in (error.value.hint or "")
    assert clock.time >= START + 600 + BEHIND + 60
    again = unfinished(settings, settings.read(), clock.time)
    assert again is not None
    assert again.path == run.path
    with Prometheus(server) as client:
        end = watch(again, settings.read(), settings, client, Progress(), clock.clock())
    assert end.look.verdict.outcome is Outcome.PASSED


def test_a_refusal_is_told_at_once(server: str, asked: Asked) -> None:
    settings = asked(server, "erring")
    settings.config.write_text(
        settings.config.read_text("utf-8").replace(
            "avg(process_resident_memory_bytes{$arm})", "http_requests_total{$arm}"
        ),
        "utf-8",
    )
    with pytest.raises(UsageError, match="2 series in the canary where one is needed"):
        followed(settings, begun(settings), VirtualClock(START))


@pytest.mark.parametrize("canary", ["idle", "nobody"])
def test_a_canary_without_traffic_is_inconclusive_and_never_passes(
    server: str, asked: Asked, canary: str
) -> None:
    settings = asked(server, canary)
    end = followed(settings, begun(settings), VirtualClock(START))
    assert end.look.verdict.outcome is Outcome.INCONCLUSIVE
    assert "the canary had no request, 100 are needed" in " ".join(end.look.verdict.reasons)


def test_fewer_requests_than_asked_for_do_not_pass(server: str, asked: Asked) -> None:
    settings = asked(server, "same", min_requests=1_000_000)
    end = followed(settings, begun(settings), VirtualClock(START))
    assert end.look.verdict.outcome is Outcome.INCONCLUSIVE
    assert all(metric.decision is Decision.PASS for metric in end.look.verdict.metrics)
    assert "1,000,000 are needed for a pass (--min-requests)" in " ".join(end.look.verdict.reasons)


def test_a_metric_that_only_the_baseline_has_does_not_pass(server: str, asked: Asked) -> None:
    settings = asked(server, "shrunk")
    end = followed(settings, begun(settings), VirtualClock(START))
    assert end.look.verdict.outcome is Outcome.INCONCLUSIVE
    assert end.look.verdict.metrics[1].decision is Decision.INCONCLUSIVE


def test_an_interrupted_gate_keeps_its_state_and_the_same_command_goes_on(server: str, asked: Asked) -> None:
    settings, clock = asked(server, "same"), VirtualClock(START)
    run = begun(settings)

    def interrupt() -> None:
        raise KeyboardInterrupt

    clock.at = [(START + 250, interrupt)]
    with (
        Prometheus(server) as client,
        pytest.raises(
            Interrupted, match=r"interrupted 5 min 50 s before its end; its state is in .*runs"
        ) as told,
        gated(settings, client, Progress(), clock.clock()),
    ):
        raise AssertionError("there is no verdict yet")
    assert told.value.hint == "the same command goes on with it"
    assert load(run.path).record.under_way
    with Prometheus(server) as client, gated(settings, client, Progress(), clock.clock()) as found:
        assert found.run.path == run.path
        assert found.verdict.outcome is Outcome.PASSED
        found.close()
    assert [path.name for path in settings.runs.iterdir()] == [run.path.name]
    assert unfinished(settings, settings.read(), clock.time) is None


def test_what_was_watched_is_judged_again_from_its_directory_alone(server: str, asked: Asked) -> None:
    for canary in ("same", "erring"):
        settings, clock = asked(server, canary), VirtualClock(START)
        begun(settings)
        with Prometheus(server) as client, gated(settings, client, Progress(), clock.clock()) as found:
            found.close()
        case, again = judge_again(load(found.run.path))
        assert case.questions == found.case.questions
        assert again.outcome is found.verdict.outcome
        assert [(m.name, m.decision, m.low, m.high) for m in again.metrics] == [
            (m.name, m.decision, m.low, m.high) for m in found.verdict.metrics
        ]


def test_another_release_is_another_gate(server: str, asked: Asked) -> None:
    settings = asked(server, "same")
    begun(settings)
    assert unfinished(settings, settings.read(), START + 60) is not None
    assert unfinished(settings, settings.read(), START + 600 + 3601) is None
    other = asked(server, "erring")
    assert unfinished(other, other.read(), START + 60) is None


def test_two_commands_do_not_watch_one_gate(server: str, asked: Asked) -> None:
    settings = asked(server, "same")
    run = begun(settings)
    with (
        held(run.path),
        Prometheus(server) as client,
        pytest.raises(LockedError, match="another command watches this gate"),
        gated(settings, client, Progress(), VirtualClock(START).clock()),
    ):
        raise AssertionError("it must not watch")
