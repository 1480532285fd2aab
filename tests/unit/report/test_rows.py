"""What the page's tables say: what a decision rests on, and how the score comes about."""

from __future__ import annotations

import tests.support.report_samples as samples
from pipeline.judge.verdict import Decision, GroupScore
from pipeline.report import html
from pipeline.report.rows import evidence_words, score_rows
from pipeline.runs.record import Record


def test_what_a_decision_rests_on_is_told() -> None:
    failed, _, _, undecided = samples.verdict().metrics
    assert evidence_words(failed).endswith("shown 0.4 s into the canary's measurement")
    assert evidence_words(undecided) == (
        "change -20 … +40 % (+ is worse), 25 % allowed; the samples tell as much as 8 that do not depend on one "
        "another would; a fail must exceed the calibrated drift of 30 %; about 3 more minutes of the same would decide"
    )


def test_the_score_can_be_recomputed_from_its_table() -> None:
    verdict = samples.verdict(
        score=62.5, groups=(GroupScore("a", 30, 50.0), GroupScore("b", 10, 100.0), GroupScore("c", 99, None))
    )
    sums = score_rows(verdict)
    assert sums is not None
    assert [(g["weight"], g["score"], g["points"]) for g in sums["groups"]] == [
        ("30", "50", "1,500"),
        ("10", "100", "1,000"),
    ]
    assert (sums["points"], sums["weight"], sums["mean"], sums["replaced"]) == ("2,500", "40", "62.5", False)


def test_a_score_that_a_critical_failure_made_is_said_to_be_that() -> None:
    page = html.render(samples.verdict(score=0.0), Record.from_dict(samples.run()), samples.evidence())
    assert "Here a critical failure makes it 0." in page


def test_the_score_s_table_names_what_a_group_lost_its_points_by() -> None:
    sums = score_rows(samples.verdict())
    assert sums is not None
    assert [g["why"] for g in sums["groups"]] == [
        "Failed requests (fails: 5)",
        "nothing",
        "Service: resident memory (half, undecided: 2)",
    ]
    assert samples.verdict().metrics[3].decision is Decision.INCONCLUSIVE
