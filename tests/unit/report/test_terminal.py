"""The table and the sentences of the terminal report."""

from __future__ import annotations

import io
from typing import Any

import click
import pytest
from rich.cells import cell_len

import tests.support.report_samples as samples
from pipeline.judge.verdict import Decision, Outcome, Summary
from pipeline.report import terminal
from pipeline.report.text import between
from pipeline.runs.logs import LogLine
from pipeline.runs.record import Record

HOSTILE = "evil\x1b[2J\x1b]0;title\x07\x9b31m\r\n\u202egnp <script>"


def lines(
    width: int = 80,
    *,
    color: bool = False,
    run: dict[str, Any] | None = None,
    log: tuple[LogLine, ...] = (),
    **verdict: Any,
) -> list[str]:
    record = Record.from_dict(run or samples.run())
    text = terminal.render(samples.verdict(**verdict), record, width=width, color=color, log=log)
    return text.splitlines()


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("color", [False, True])
def test_no_line_is_wider_than_the_terminal(width: int, color: bool) -> None:
    long = samples.run(sample=True, sample_why="w" * 200, baseline={"ref": "r" * 200, "sha": "a" * 40})
    wide = (samples.metric(title="一" * 60), samples.metric("x", title="t" * 90, reason="r" * 300))
    log = (LogLine("x" * 300, "y" * 80, 10**9, "09:52:59", wrong=True),)
    rendered = lines(
        width, color=color, run=long, log=log, metrics=wide, reasons=("word " * 60, "path/" * 50, "字" * 150)
    )
    assert max(cell_len(click.unstyle(line)) for line in rendered) <= width


def test_what_only_the_canary_logged_stands_right_below_what_to_do() -> None:
    two = (
        LogLine("TypeError: no", "preview.js:71", 285, "09:52:59", wrong=True),
        LogLine("and again", "", 1, "", wrong=False),
    )
    assert lines(100, log=two)[1:3] == [
        "Only the canary logged: TypeError: no (preview.js:71), 285 times, first at 09:52:59",
        "  and again, once",
    ]
    assert not any("Only the canary logged" in line for line in lines(100))


def test_a_run_that_ended_early_says_so_and_why() -> None:
    stopped = {"at": 332.0, "outcome": "failed", "decided_after": 12.0}
    said = "stopped early: the canary was measured for 12 s, which showed that it failed"
    assert said in lines(120, run=samples.run(stopped_early=stopped))
    assert not any("stopped early" in line for line in lines(120))


def test_what_was_known_of_the_trees_before_the_run_is_a_note() -> None:
    run = samples.run(notes=["HEAD: 1 submodule is deployed as an empty directory: \x1b[31mlib", 3])
    notes = [line for line in lines(120, run=run) if line.startswith("note: HEAD: 1 submodule")]
    assert len(notes) == 1
    assert "\x1b" not in notes[0]


@pytest.mark.parametrize(
    "odd", [True, "yes", {}, {"decided_after": "soon"}, {"decided_after": float("nan")}, None]
)
def test_an_odd_word_on_an_early_end_is_passed_over(odd: object) -> None:
    assert lines(120, run=samples.run(stopped_early=odd)) == lines(120)


def test_the_last_line_is_the_verdict_with_both_commits() -> None:
    assert lines(120)[-1] == "canary score 12/100: failed (baseline master ec9b647, canary broken 0fb8c1c)"


def test_the_first_line_is_what_to_do() -> None:
    assert lines(120)[:2] == ["do not promote: 3,000 of 3,000 requests fail", ""]
    assert lines(120, color=True)[0].startswith("\x1b[31m\x1b[1mdo not promote")


def test_a_long_first_line_is_wrapped_before_the_table() -> None:
    invalid = lines(40, outcome=Outcome.INVALID, score=None, reasons=("The loader was late " * 4,))
    assert invalid[0] == "the run is invalid: the loader was late"
    assert invalid[1].startswith("The loader was late")
    assert "" in invalid[:5]


def test_a_pass_by_the_policy_says_so_at_both_ends() -> None:
    one = samples.metric("m", title="Memory", decision=Decision.INCONCLUSIVE)
    text = lines(
        120,
        outcome=Outcome.PASSED,
        score=64.0,
        metrics=(samples.metric(), one),
        undecided="pass",
        let_pass=("m",),
    )
    assert text[0].startswith("no harm shown: promote, though 1 of ")
    assert "undecided: pass, where no harm is shown" in text
    assert text[-1].startswith("canary score 64/100: passed, no harm shown (baseline")
    assert not any("undecided: " in line for line in lines(120))


def test_a_ref_that_is_a_commit_is_said_once() -> None:
    sha = "0123456789" * 4
    last = lines(120, run=samples.run(baseline={"ref": sha, "sha": sha}))[-1]
    assert "(baseline 0123456, canary" in last


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_invalid_run_has_no_score_and_still_its_outcome(outcome: Outcome) -> None:
    assert lines(120, outcome=outcome, score=None)[-1].startswith(f"no canary score: {outcome}")


def test_at_80_columns_a_name_and_its_decision_stay_on_one_line() -> None:
    rows = [line for line in lines(80) if line.startswith("  Latency, 99th")]
    assert len(rows) == 1
    assert rows[0].endswith("pass")


def test_at_120_columns_all_is_shown_and_at_80_the_interval_goes_first() -> None:
    heading = ["metric", "baseline", "canary", "change", "between", "allowed", "decision"]
    wide, narrow = (next(line for line in lines(width) if line.startswith("metric")) for width in (120, 80))
    assert wide.split() == heading
    assert narrow.replace("worse by", "change").split() == [t for t in heading if t != "between"]
    row = next(line for line in lines(120) if line.startswith("  Latency, 99th"))
    assert "-4 … +11 %" in row


def test_the_chance_of_a_false_alarm_stands_under_the_table() -> None:
    assert "chance of a false alarm in the whole run: 5 % (alpha)" in lines(80, alpha=0.05)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.012, 0.05, "-1.2 … +5 %"),
        (0.0000123, 0.0498, "0 … +4.98 %"),
        (None, 0.05, "≤ +5 %"),
        (0.012, float("inf"), "≥ +1.2 %"),
        (0.0, 0.0, "0 … 0 %"),
        (None, float("nan"), "-"),
    ],
)
def test_an_interval_is_said_with_its_unit_once(low: float | None, high: float | None, said: str) -> None:
    assert between(samples.metric(low=low, high=high)) == said


@pytest.mark.parametrize(
    ("unit", "low", "high", "said"),
    [
        ("fraction", -0.001, 0.003, "-0.1 … +0.3 pp"),
        ("s", -0.0004, 0.0021, "-0.4 … +2.1 ms"),
        ("B", -200_000, 3_100_000, "-0.2 … +3.1 MB"),
        ("B/min", -1_530_000, 770_000, "-1.53 … +0.77 MB/min"),
        ("B", 0, 0, "0 … 0 B"),
        ("count", -1, 3, "-1 … +3"),
    ],
)
def test_an_amount_s_interval_is_in_the_metric_s_unit(unit: str, low: float, high: float, said: str) -> None:
    assert between(samples.metric(effect_kind="absolute", unit=unit, low=low, high=high)) == said


def test_each_decision_is_a_word_of_its_own_without_colour() -> None:
    text = "\n".join(lines(120))
    assert "\x1b" not in text
    rows = [samples.metric(decision.value, title="M", decision=decision) for decision in Decision]
    said = {line.split("25 %")[-1].strip() for line in lines(120, metrics=rows) if line.startswith("  M")}
    assert said == {"pass", "FAIL", "inconclusive", "no data"}


def test_colours_change_nothing_but_colours() -> None:
    coloured = lines(100, color=True)
    assert [click.unstyle(line) for line in coloured] == lines(100)
    assert any("\x1b[31m" in line for line in coloured)


def test_metrics_stand_under_their_group_with_its_weight_and_score() -> None:
    text = lines(100)
    heading = text.index("errors (weight 50, score 0)")
    assert text[heading + 1].startswith("  Failed requests")


@pytest.mark.parametrize("place", ["reasons", "notes", "title", "group", "ref", "sample_why"])
def test_untrusted_text_cannot_smuggle_control_characters(place: str) -> None:
    run = samples.run(sample=True)
    verdict: dict[str, Any] = {}
    if place in ("reasons", "notes"):
        verdict = {place: (HOSTILE,)}
    elif place in ("title", "group"):
        verdict = {"metrics": (samples.metric(**{place: HOSTILE}),), "groups": ()}
    elif place == "ref":
        run["baseline"] = {"ref": HOSTILE, "sha": HOSTILE}
    else:
        run["sample_why"] = HOSTILE
    text = "\n".join(lines(200, run=run, **verdict))
    assert "evil" in text
    assert [c for c in text if (not c.isprintable() and c != "\n") or c == "\u202e"] == []


def test_the_sample_repository_is_named_loudly() -> None:
    assert any(line.startswith("SAMPLE CODE") for line in lines(run=samples.run(sample=True)))
    assert not any(line.startswith("SAMPLE CODE") for line in lines())


def test_a_run_without_facts_and_metrics_still_renders() -> None:
    bare = samples.verdict(metrics=(), groups=())
    rendered = terminal.render(bare, Record.from_dict({}), width=80, color=False)
    assert rendered.splitlines()[-1].startswith("canary score 12/100: failed")


def test_values_that_are_no_numbers_are_a_dash() -> None:
    row = samples.metric(title="M", effect=float("nan"), baseline=Summary(0, float("nan")))
    line = next(line for line in lines(120, metrics=(row,)) if line.startswith("  M"))
    assert line.split()[1] == "-"
    assert "nan" not in line


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_and_never_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert terminal.wants_color(_Terminal())
    assert not terminal.wants_color(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not terminal.wants_color(_Terminal())


def test_a_proxy_that_must_be_put_right_comes_before_all_else() -> None:
    proxy = {"wanted": "blue", "colour": "green", "problem": "no answer"}
    assert lines(120, run=samples.run(proxy=proxy))[:2] == [
        "the proxy is on green: it could not be put on blue: no answer; type: pipeline canary rollback",
        "do not promote: 3,000 of 3,000 requests fail",
    ]
