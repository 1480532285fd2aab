"""When a run stops before its schedule ends."""

from __future__ import annotations

from pipeline.canary.drive import HOPELESS_SECONDS, LOST_SECONDS, Watchdog
from pipeline.judge.evidence import Problem
from pipeline.runs.phases import Phase

HOSTS = {"baseline": "blue", "canary": "green", "proxy": "proxy"}
FINE = dict.fromkeys(HOSTS, 0)
BASELINE = Phase("baseline", "measure", 0, 300)
CANARY = Phase("canary", "measure", 300, 600)


def seconds(watchdog: Watchdog, phase: Phase, good: int, count: int) -> Problem | None:
    problem = None
    for _ in range(count):
        problem = problem or watchdog.check_second(phase, good, FINE, HOSTS)
    return problem


def test_a_canary_without_a_good_answer_is_the_judges_to_decide() -> None:
    assert seconds(Watchdog(), CANARY, 0, HOPELESS_SECONDS + 1) is None


def test_a_baseline_without_a_good_answer_makes_the_run_invalid() -> None:
    problem = seconds(Watchdog(), BASELINE, 0, HOPELESS_SECONDS)
    assert problem is not None
    assert problem.effect == "invalid"


def test_one_good_answer_gives_it_time_again() -> None:
    watchdog = Watchdog()
    assert seconds(watchdog, BASELINE, 0, HOPELESS_SECONDS - 1) is None
    assert seconds(watchdog, BASELINE, 1, 1) is None
    assert seconds(watchdog, BASELINE, 0, HOPELESS_SECONDS - 1) is None


def test_a_warmup_does_not_count() -> None:
    assert seconds(Watchdog(), Phase("baseline", "warmup", 0, 60), 0, 60) is None


def test_a_host_whose_exporters_fell_silent_makes_the_run_invalid_and_is_named() -> None:
    problem = Watchdog().check_second(CANARY, 50, {**FINE, "proxy": LOST_SECONDS}, HOSTS)
    assert problem is not None
    assert problem.effect == "invalid"
    assert "host proxy" in problem.message
