"""What ends a run before its schedule does, seen second by second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from pipeline.canary.schedule import concurrent
from pipeline.canary.watchdog import HOPELESS_SECONDS, HUNG_SECONDS, LOST_SECONDS, Watchdog
from pipeline.judge.evidence import Problem
from pipeline.runs.phases import Phase

HOSTS = {"baseline": "blue", "canary": "green", "proxy": "proxy"}
FINE = dict.fromkeys(HOSTS, 0)
BASELINE = Phase("baseline", "measure", 0, 300)
CANARY = Phase("canary", "measure", 300, 600)
BOTH = concurrent(300, 15)[2:]
HANGING = {"canary": HUNG_SECONDS}


def seconds(
    watchdog: Watchdog,
    phases: Sequence[Phase],
    good: Mapping[str, int],
    count: int,
    *,
    served: int = 5,
    missed: Mapping[str, int] = FINE,
    unanswered: Mapping[str, int] = FINE,
) -> Problem | None:
    """The first problem in `count` seconds that are alike."""
    answers = {"baseline": 0, "canary": 0, **good}
    problem = None
    for _ in range(count):
        all_of_them = dict.fromkeys(answers, served)
        problem = problem or watchdog.check_second(phases, answers, all_of_them, missed, unanswered, HOSTS)
    return problem


@pytest.mark.parametrize("phases", [[CANARY], BOTH], ids=["alone", "beside the baseline"])
def test_a_canary_that_hangs_has_failed_within_seconds(phases: Sequence[Phase]) -> None:
    watchdog = Watchdog()
    baseline = {"baseline": 5}
    assert seconds(watchdog, phases, {**baseline, "canary": 5}, 30, unanswered=HANGING) is None
    assert seconds(watchdog, phases, baseline, HUNG_SECONDS - 1, unanswered=HANGING) is None
    problem = seconds(watchdog, phases, baseline, 1, unanswered=HANGING)
    assert problem is not None
    assert problem.effect == "failed"
    assert f"no good answer for {HUNG_SECONDS} s" in problem.message


def test_the_seconds_of_a_canary_that_hangs_in_turns_are_added_up() -> None:
    watchdog = Watchdog()
    for _ in range(2):
        assert seconds(watchdog, [CANARY], {}, 5, unanswered=HANGING) is None
        assert seconds(watchdog, [BASELINE], {"baseline": 5}, 5, unanswered=HANGING) is None
    problem = seconds(watchdog, [CANARY], {}, HUNG_SECONDS - 10, unanswered=HANGING)
    assert problem is not None
    assert problem.effect == "failed"


def test_a_canary_that_answers_on_its_own_host_is_the_judges_to_decide() -> None:
    """What is between it and the proxy may be at fault."""
    assert seconds(Watchdog(), BOTH, {"baseline": 5}, 200) is None


def test_a_canary_whose_host_does_not_tell_its_health_is_not_blamed() -> None:
    slow = {**FINE, "canary": LOST_SECONDS - 1}
    assert seconds(Watchdog(), BOTH, {"baseline": 5}, 200, missed=slow, unanswered=HANGING) is None


def test_a_canary_of_whom_few_answers_were_due_is_the_judges_to_decide() -> None:
    assert seconds(Watchdog(), BOTH, {"baseline": 1}, HUNG_SECONDS + 4, served=1, unanswered=HANGING) is None
    assert seconds(Watchdog(), BOTH, {"baseline": 1}, 200, served=0, unanswered=HANGING) is None


def test_where_both_hang_the_canary_is_not_blamed() -> None:
    problem = seconds(Watchdog(), BOTH, {}, HOPELESS_SECONDS, unanswered=HANGING)
    assert problem is not None
    assert problem.effect == "invalid"
    assert problem.message.startswith("the baseline gave no good answer")


def test_a_baseline_without_a_good_answer_makes_the_run_invalid() -> None:
    problem = seconds(Watchdog(), [BASELINE], {}, HOPELESS_SECONDS)
    assert problem is not None
    assert problem.effect == "invalid"


@pytest.mark.parametrize("first", [0, 5])
def test_where_no_version_is_heard_of_it_is_the_proxy_that_does_not_answer(first: int) -> None:
    """But for the first seconds, in which the time of answers ends that had begun."""
    watchdog = Watchdog()
    assert seconds(watchdog, BOTH, {}, first, served=3) is None
    problem = seconds(watchdog, BOTH, {}, HOPELESS_SECONDS - first, served=0)
    assert problem is not None
    assert problem.message == f"the proxy gave no answer for {HOPELESS_SECONDS} s under load; stopped early"


def test_one_good_answer_gives_it_time_again() -> None:
    watchdog = Watchdog()
    assert seconds(watchdog, [BASELINE], {}, HOPELESS_SECONDS - 1) is None
    assert seconds(watchdog, [BASELINE], {"baseline": 1}, 1) is None
    assert seconds(watchdog, [BASELINE], {}, HOPELESS_SECONDS - 1) is None


def test_a_baseline_that_is_silent_beside_a_canary_that_answers_makes_the_run_invalid() -> None:
    answering = {"canary": 5}
    assert seconds(Watchdog(), BOTH, answering, HOPELESS_SECONDS - 1) is None
    problem = seconds(Watchdog(), BOTH, answering, HOPELESS_SECONDS)
    assert problem is not None
    assert problem.effect == "invalid"


def test_a_warmup_does_not_count() -> None:
    assert seconds(Watchdog(), [Phase("baseline", "warmup", 0, 60)], {}, 60) is None
    assert seconds(Watchdog(), [Phase("canary", "warmup", 0, 60)], {}, 60, unanswered=HANGING) is None


def test_a_host_whose_exporters_fell_silent_makes_the_run_invalid_and_is_named() -> None:
    good = {"baseline": 5, "canary": 5}
    problem = seconds(Watchdog(), [CANARY], good, 1, missed={**FINE, "proxy": LOST_SECONDS})
    assert problem is not None
    assert problem.effect == "invalid"
    assert "host proxy" in problem.message
