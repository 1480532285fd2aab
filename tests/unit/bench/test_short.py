"""The labelled short series of bench/judge: as they are labelled, repeatable, judged as series from files are."""

from __future__ import annotations

import numpy as np
import pytest

from bench.judge.labelled import FAMILIES, HARMFUL, HARMLESS, LENGTHS, NOISES, Pair, labelled_pair
from bench.judge.rows import Asked
from bench.judge.short import kinds, series_case, short
from bench.judge.spoilt import SPOILT, spoil
from pipeline.judge import judge
from pipeline.judge.verdict import Outcome

KINDS = (*HARMLESS, *HARMFUL)


def moved(pair: Pair) -> float:
    """The largest change of any metric's mean, in margins."""
    change = pair.canary.mean(axis=1) / pair.baseline.mean(axis=1) - 1
    return float(change.max() / pair.margin)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("noise", NOISES)
def test_every_kind_is_finite_above_zero_and_the_same_for_the_same_seed(family: str, noise: str) -> None:
    for kind in KINDS:
        pair, again = (labelled_pair(family, noise, kind, 1, 2) for _ in range(2))
        both = np.stack((pair.baseline, pair.canary))
        assert np.isfinite(both).all()
        assert (both > 0).all()
        assert both.shape == (2, len(FAMILIES[family].level), LENGTHS[2])
        assert np.array_equal(both, np.stack((again.baseline, again.canary)))


def test_the_families_draw_different_cases() -> None:
    tuned, shown = (labelled_pair(family, "iid", "no change", 1, 0) for family in ("tune", "show"))
    assert tuned.baseline.shape != shown.baseline.shape


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("no change", -0.1, 0.25),
        ("healed", 0.2, 0.9),
        ("small shift", 0.0, 0.7),
        ("mean shift", 1.3, 4.2),
        ("just beyond", 1.1, 1.5),
        ("joint", 0.45, 0.95),
        ("fatter tail", 0.25, 0.9),
        ("drift", 0.8, 2.2),
    ],
)
def test_the_mean_moves_as_far_as_the_label_says(family: str, kind: str, low: float, high: float) -> None:
    changes = [moved(labelled_pair(family, "iid", kind, 1, number)) for number in range(60)]
    assert low < np.quantile(changes, 0.05)
    assert np.quantile(changes, 0.95) < high


def test_more_variance_is_in_the_canary_alone_and_equal_noise_in_both() -> None:
    def deviations(kind: str) -> tuple[float, float]:
        pair = labelled_pair("tune", "iid", kind, 1, 2)
        relative = [arm.std(axis=1) / arm.mean(axis=1) for arm in (pair.baseline, pair.canary)]
        return float(relative[0].max()), float(relative[1].max())

    usual = FAMILIES["tune"].scatter
    before, after = deviations("more variance")
    assert before < 1.5 * usual < 2 * usual < after
    assert min(deviations("equal noise")) > 2 * usual


def test_joint_harm_is_in_every_metric_and_other_harm_in_one() -> None:
    for kind, count in (("joint", 5), ("mean shift", 1), ("no change", 0)):
        pair = labelled_pair("tune", "iid", kind, 1, 2)
        change = pair.canary.mean(axis=1) / pair.baseline.mean(axis=1) - 1
        assert np.count_nonzero(change > 0.35 * pair.margin) == count


def test_the_series_are_judged_once_and_by_the_clock_as_those_of_files_are() -> None:
    case = series_case(labelled_pair("tune", "iid", "no change", 1, 0))
    assert case.evidence.once
    assert not case.evidence.load
    assert case.evidence.pairing == "time"
    assert case.policy.block_seconds == 15
    assert [rule.threshold for rule in case.rules] == ["20%"] * 5 + ["0.5"]  # and all together


@pytest.mark.parametrize(("kind", "outcome"), [("no change", Outcome.PASSED), ("mean shift", Outcome.FAILED)])
def test_the_plain_cases_are_told_apart(kind: str, outcome: Outcome) -> None:
    case = series_case(labelled_pair("tune", "iid", kind, 1, 2))
    assert judge(case.evidence, case.rules, case.policy).outcome is outcome


def test_samples_are_spoilt_in_the_canary_alone_and_as_named() -> None:
    evidence = series_case(labelled_pair("tune", "iid", "no change", 1, 0)).evidence
    before, own = evidence.baseline.series["m0"].value, evidence.canary.series["m0"].value
    found = {how: spoil(evidence, how) for how in SPOILT}
    assert all(np.array_equal(one.baseline.series["m0"].value, before) for one in found.values())
    value = {how: one.canary.series["m0"].value for how, one in found.items()}
    assert np.array_equal(value["negative values"], -own)
    assert value["a thousandth of the baseline"] == pytest.approx(own / 1000)
    assert np.isnan(value["no numbers in the second half"]).sum() == len(own) / 2
    assert np.array_equal(value["a copy of the baseline"], before)
    assert spoil(evidence, "") is evidence


def test_short_has_a_row_for_each_judge_and_says_how_often_it_is_right() -> None:
    titles, *rows = short(Asked(3, 1, family="tune", only="iid"))
    assert [row[0] for row in rows] == ["iid"] * 5
    undecided = titles.index("undecided harmless")
    strict, lenient = (float(rows[index][undecided].split()[0]) for index in (0, 1))
    assert lenient < strict
    false, found = titles.index("false fails"), titles.index("found")
    sized, ranks = ([float(rows[index][at].split()[0]) for at in (false, found)] for index in (3, 4))
    assert sized[0] < ranks[0]
    assert 0 < sized[1] <= ranks[1]


def test_kinds_has_a_row_for_each_kind_with_all_outcomes_of_each_noise() -> None:
    titles, *rows = kinds(Asked(1, 1, family="tune", only="healed|mean shift"))
    assert titles[2:] == list(NOISES)
    assert [row[:2] for row in rows] == [["healed", "harmless"], ["mean shift", "harmful"]]
    assert all(sum(int(part) for part in cell.split(" / ")) == 100 for row in rows for cell in row[2:])
