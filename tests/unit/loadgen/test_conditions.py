"""What makes a run fail: each figure, and what was not measured."""

from __future__ import annotations

from typing import Any

import pytest

from loadgen.cli import FAILED, OK, USAGE, main
from loadgen.conditions import broken, parse_condition
from tests.support.keeping_server import serving

SUMMARY: dict[str, Any] = {
    "latency_ms": {"p50": 10.0, "p90": 20.0, "p95": 50.0, "p99": 200.0, "p999": None, "max": None},
    "service_ms": {"p50": 5.0, "p90": 6.0, "p95": 7.0, "p99": 8.0, "p999": 9.0, "max": 10.0},
    "timeout_s": 5.0,
    "scheduled": 1000,
    "errors": 10,
    "failed": 30,
    "wrong_bodies": 5,
    "completed_rate": 49.5,
}


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("p99>199ms", True),
        ("p99>200ms", False),
        ("p99>=200ms", True),
        ("p99 <= 0.2s", True),
        ("p99.9>1h", True),  # beyond the timeout: nobody knows how far
        ("max<1h", False),
        ("service-p99>8ms", False),
        ("service-p99.9>=9ms", True),
        ("errors>=1%", True),
        ("errors>1%", False),
        ("errors>9", True),
        ("failed>2.9%", True),
        ("wrong-bodies<5", False),
        ("rate<49.6/s", True),
        ("rate<49", False),
    ],
)
def test_a_condition_compares_the_summary(text: str, true: bool) -> None:
    assert parse_condition(text).holds(SUMMARY) is true


def test_what_was_not_measured_never_passes() -> None:
    nothing = SUMMARY | {"latency_ms": None, "service_ms": None, "completed_rate": None, "scheduled": 0}
    asked = tuple(map(parse_condition, ("p50<1h", "service-p50<1h", "errors<100%", "rate>0")))
    assert len(broken(nothing, fail_if=(), require=asked)) == len(asked)
    refused = tuple(map(parse_condition, ("p50>1h", "service-p50>1h", "errors>100%", "rate<1")))
    assert len(broken(nothing, fail_if=refused, require=())) == len(refused)


def test_a_broken_condition_is_told_with_the_figure() -> None:
    told = broken(
        SUMMARY,
        fail_if=(parse_condition("p99.9>1s"), parse_condition("errors>9"), parse_condition("p50>1s")),
        require=(parse_condition("failed<1%"), parse_condition("rate>50/s")),
    )
    assert told == [
        "p99.9 is > 5 s: --fail-if 'p99.9>1s'",
        "errors is 10: --fail-if 'errors>9'",
        "failed is 3.000%: --require 'failed<1%'",
        "rate is 49.5/s: --require 'rate>50/s'",
    ]


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("--fail-if", "p99<200ms", "write --require 'p99<200ms' or --fail-if 'p99>200ms'"),
        ("--fail-if", "rate>50/s", "write --require 'rate>50/s' or --fail-if 'rate<50/s'"),
        ("--require", "errors>1%", "write --fail-if 'errors>1%' or --require 'errors<1%'"),
        ("--fail-if", "p98>1s", "no figure is called p98; there are p50"),
        ("--fail-if", "p99>200", "a time has a unit"),
        ("--fail-if", "p99>fast", "is not a duration"),
        ("--fail-if", "errors>x", "is not a condition: it is written"),
        ("--fail-if", "slow", "is not a condition: it is written"),
    ],
)
def test_a_condition_that_cannot_be_meant_is_one_line_and_exit_2(
    option: str, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["http://127.0.0.1:9/", option, text]) == USAGE
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--fail-if=errors>0", "--require=p99<5s"], OK),
        (["--fail-if=p50>0.001ms"], FAILED),
        (["--require=rate>1000/s"], FAILED),
        (["--expect-status=204", "--fail-if=failed>0"], FAILED),
    ],
)
def test_a_run_exits_with_what_its_conditions_say(
    options: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving() as server:
        assert main([server.url, "--rate=50", "--duration=0.2s", "--max-lateness=5s", *options]) == code
    told = capsys.readouterr().out
    assert ("\nbroken " in told) is (code == FAILED)
