"""`pipeline judge --config FILE.yml` on two CSV files: from what is in them to a verdict."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.base.errors import Exit
from pipeline.cli.root import run

CONFIG = """
metrics:
  - {name: latency, kind: level, unit: s, margin: 10%, weight: 30, critical: true}
  - {name: failed, kind: proportion, margin: 1pp, csv: {hits: errors, total: requests}}
  - {name: growth, kind: trend, unit: B, margin: 1MB/min, csv: {column: memory}}
  - {name: restarts, kind: count, margin: 0, csv: {counters: true}}
"""

NOON = 1_767_268_800  # 2026-01-01T12:00:00Z
Columns = Mapping[str, Iterable[float]]


def _columns(seed: int, n: int = 300, *, slower: float = 1.0, leak: float = 0.0, bad: float = 0.0) -> Columns:
    rng = np.random.default_rng(seed)
    requests = rng.poisson(50, n)
    return {
        "latency": slower * rng.lognormal(-4, 0.1, n),
        "errors": rng.binomial(requests, bad),
        "requests": requests,
        "memory": 80e6 + rng.normal(0, 1e5, n) + leak / 60 * np.arange(n),
        "restarts": np.zeros(n),
    }


def _write(path: Path, columns: Columns, *, begin: float = 0.0, step: float = 1.0) -> Path:
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    lines = [f"{begin + step * i},{','.join(f'{value:.9g}' for value in row)}" for i, row in enumerate(rows)]
    path.write_text("\n".join([f"t,{','.join(names)}", *lines]), "utf-8")
    return path


Judged = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Judged:
    """Judges two sets of columns; gives the exit code and the JSON document."""

    def judge(
        baseline: Columns,
        canary: Columns,
        *,
        config: str = CONFIG,
        begins: tuple[float, float] = (0, 0),
        step: float = 1,
    ) -> tuple[int, dict[str, Any]]:
        (tmp_path / "canary.yml").write_text(config, "utf-8")
        a = _write(tmp_path / "a.csv", baseline, begin=begins[0], step=step)
        b = _write(tmp_path / "b.csv", canary, begin=begins[1], step=step)
        code = run(
            ["judge", "--config", str(tmp_path / "canary.yml"), f"--baseline={a}", f"--canary={b}", "--json"]
        )
        out, err = capsys.readouterr()
        assert err == ""
        return code, json.loads(out)

    return judge


def _decisions(document: dict[str, Any]) -> dict[str, str]:
    return {metric["name"]: metric["decision"] for metric in document["metrics"]}


def test_series_that_are_alike_pass(judged: Judged) -> None:
    code, document = judged(_columns(1), _columns(2))
    assert code == Exit.OK
    assert set(_decisions(document).values()) == {"pass"}
    assert document["score"] == 100


def test_each_kind_of_harm_fails_its_own_metric_and_no_other(judged: Judged) -> None:
    worse: dict[str, dict[str, Any]] = {
        "latency": {"slower": 1.3},
        "failed": {"bad": 0.05},
        "growth": {"leak": 5e6},
    }
    for name, change in worse.items():
        _, document = judged(_columns(1), _columns(2, **change))
        assert [metric for metric, said in _decisions(document).items() if said == "fail"] == [name]
    rising = {**_columns(2), "restarts": np.repeat([0, 2, 5], 100)}
    _, document = judged(_columns(1), rising)
    assert _decisions(document)["restarts"] == "fail"
    assert document["metrics"][3]["canary"]["value"] == 5


def test_the_unit_of_time_between_two_rows_is_no_matter(judged: Judged) -> None:
    seconds = judged(_columns(1), _columns(2, bad=0.02), step=2)[1]["metrics"][:2]
    minutes = judged(_columns(1), _columns(2, bad=0.02), step=60)[1]["metrics"][:2]
    for fast, slow in zip(seconds, minutes, strict=True):
        assert (fast["decision"], fast["effect"], fast["low"]) == (
            slow["decision"],
            slow["effect"],
            slow["low"],
        )
        if fast["decided_after"] is not None:
            assert slow["decided_after"] == pytest.approx(30 * fast["decided_after"])


@pytest.mark.parametrize(
    ("name", "factor"),
    [("Time", 1e3), ("timestamp", 1e6), ("t", 1e9), ("t_min", 1 / 60), ("time (h)", 1 / 3600)],
)
def test_a_leak_is_as_fast_whatever_the_unit_of_the_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, factor: float
) -> None:
    config = tmp_path / "canary.yml"
    config.write_text(
        "metrics: [{name: memory, kind: trend, unit: B, margin: 2MB/min, critical: true}]", "utf-8"
    )
    effects = []
    for header, times in (("t", 1.0), (name, factor)):
        for seed, leak in ((1, 0.0), (2, 20e6)):
            memory = _columns(seed, 120, leak=15 * leak)["memory"]
            rows = [f"{(NOON + 15 * i) * times:.20g},{value:.0f}" for i, value in enumerate(memory)]
            (tmp_path / f"{seed}.csv").write_text("\n".join([f"{header},memory", *rows]), "utf-8")
        files = [f"--baseline={tmp_path / '1.csv'}", f"--canary={tmp_path / '2.csv'}"]
        assert run(["judge", f"--config={config}", *files, "--json"]) == Exit.FAILED
        effects.append(json.loads(capsys.readouterr().out)["metrics"][0]["effect"])
    assert effects[0] == pytest.approx(20e6, rel=0.01)
    assert effects[1] == pytest.approx(effects[0], rel=1e-4)


def test_the_advice_of_two_files_names_no_command_that_needs_a_lab(judged: Judged) -> None:
    code, document = judged(_columns(1), _columns(2, slower=1.5))
    assert code == Exit.FAILED
    said = " ".join([document["headline"], *document["reasons"], *document["notes"]])
    assert "What else changed between the two times (latency by " in said
    assert not [word for word in ("calibrate", "--schedule", "--duration", "profile") if word in said]


def test_a_column_in_another_case_is_named(judged: Judged) -> None:
    renamed = {"Latency" if name == "latency" else name: column for name, column in _columns(2).items()}
    _, document = judged(_columns(1), renamed)
    assert any("no column 'latency': did you mean 'Latency'?" in note for note in document["notes"])


def test_files_of_one_time_are_paired_by_it_so_what_hit_both_is_no_harm(judged: Judged) -> None:
    config = "metrics: [{name: latency, kind: level, unit: s, margin: 10%}]"
    load = 1 + np.abs(np.sin(np.arange(300) / 40))
    a, b = ({"latency": np.asarray(_columns(seed)["latency"]) * load} for seed in (1, 2))
    later = {"latency": np.roll(b["latency"], -40)}  # of the same load, recorded from 40 s later on
    code, by_time = judged(a, later, config=config, begins=(NOON, NOON + 40))
    assert code == Exit.OK
    assert by_time["notes"][0].startswith("Both versions ran at the same time")
    code, by_age = judged(a, later, config=config)
    assert code == Exit.INCONCLUSIVE
    assert by_age["notes"][0].startswith("The versions ran at different times")


def test_a_metric_the_canary_has_only_now_and_then_does_not_pass(judged: Judged) -> None:
    gappy = dict(_columns(2))
    gappy["latency"] = np.where(np.arange(300) % 5 < 3, np.nan, np.asarray(gappy["latency"]))
    code, document = judged(_columns(1), gappy)
    assert code == Exit.INCONCLUSIVE
    assert any("what is not seen may be what is bad" in reason for reason in document["reasons"])
    assert "latency: 180 of 300 samples of the canary hold no number and are left out" in document["notes"]


def test_rows_without_values_are_time_in_which_the_canary_had_none(judged: Judged) -> None:
    died = {
        name: np.where(np.arange(300) < 160, np.asarray(column), np.nan)
        for name, column in _columns(2).items()
    }
    for begin in (0, NOON):
        code, document = judged(_columns(1), died, begins=(begin, begin))
        assert code == Exit.INCONCLUSIVE
        assert "no samples of the canary for 140 s of its 300 s" in document["headline"]


def test_a_copy_of_the_baseline_s_file_is_no_canary(judged: Judged) -> None:
    code, document = judged(_columns(1), _columns(1))
    assert code == Exit.INCONCLUSIVE
    assert document["headline"] == (
        "cannot tell: the canary's samples are the baseline's, bit for bit: a copy tells nothing of the canary "
        "(latency; failed and 1 more)"
    )


@pytest.mark.parametrize(
    ("column", "change", "words"),
    [
        ("latency", lambda x: -x, "300 of 300 samples of the canary are below zero, which no time is"),
        (
            "latency",
            lambda x: x / 1000,
            "is 1/990 of the baseline's 18.2 ms (medians): are both in one unit?",
        ),
        ("memory", lambda x: x / 1024, "is 1/1,000 of the baseline's"),
        (
            "memory",
            lambda x: np.where(np.arange(300) < 150, x, np.nan),
            "no samples of the canary for 150 s of its 300 s (from 150 s to 300 s)",
        ),
    ],
)
def test_what_cannot_be_true_does_not_pass(
    judged: Judged, column: str, change: Callable[[Any], Any], words: str
) -> None:
    odd = _columns(2)
    code, document = judged(_columns(1), {**odd, column: change(np.asarray(odd[column]))})
    assert code == Exit.INCONCLUSIVE
    assert words in document["headline"]
    assert any(words in metric["reason"] for metric in document["metrics"])


def test_what_is_undecided_is_inconclusive_or_passes_as_the_policy_says(judged: Judged) -> None:
    noisy = CONFIG.replace("margin: 10%", "margin: 1%")
    versions = _columns(1), _columns(2)
    codes = []
    for policy in ("", "policy: {undecided: inconclusive}\n", "policy: {undecided: pass}\n"):
        code, document = judged(*versions, config=noisy + policy)
        assert _decisions(document)["latency"] == "inconclusive"
        codes.append((code, document["outcome"], document["undecided"], document["let_pass"]))
    assert codes[0] == codes[1] == (Exit.INCONCLUSIVE, "inconclusive", "inconclusive", [])
    assert codes[2] == (Exit.OK, "passed", "pass", ["latency"])
    assert document["headline"].startswith("no harm shown: promote, though 1 of ")


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("latency", "no column 'latency'"),
        ("requests", "no column 'requests'"),
        ("restarts", "no column 'restarts'"),
    ],
)
def test_a_column_that_is_missing_is_told_and_its_metric_is_not_decided(
    judged: Judged, gone: str, words: str
) -> None:
    canary = {name: column for name, column in _columns(2).items() if name != gone}
    _, document = judged(_columns(1), canary)
    assert any(words in note for note in document["notes"])
    metric = {"requests": "failed"}.get(gone, gone)
    assert _decisions(document)[metric] == "inconclusive"


@pytest.mark.parametrize(
    ("config", "baseline", "canary", "words"),
    [
        (CONFIG, "t,x\n0,1\n", "t,x\n0,2\n", "no sample of any metric"),
        (CONFIG, "t,latency\n0,1\n0,2\n", "t,latency\n0,1\n", "latency has two samples at 0"),
        (CONFIG, "t,errors,requests\n0,3,2\n", "t,latency\n0,1\n", "3 hits are more than their total, 2"),
        (CONFIG, "t,errors,requests\n0,-3,2\n", "t,latency\n0,1\n", "a count is below zero"),
        (CONFIG, "t,latency\n0,fast\n", "t,latency\n0,1\n", "a.csv:2: latency is 'fast', not a number"),
        (CONFIG, "t,latency\n0,1\n", None, "b.csv:1: cannot be read"),
        (CONFIG, "t_s,latency\n0,1\n9999,1\n", "t,latency\n0,1\n", "9999 s apart: at most 3600 s"),
        (CONFIG + "pairing: time\n", "t,latency\n0,1\n1,1\n", "t,latency\n50,1\n51,1\n", "do not overlap"),
        (
            CONFIG,
            "t,latency\n0,1\n15,1\n",
            "t_s,latency\n0,1\n1500,1\n",
            "are both in one unit?",
        ),
        (
            CONFIG + "step: 15s\n",
            "t,latency\n0,1\n0.1,1\n",
            "t,latency\n0,1\n0.1,1\n",
            "the configuration (step:) by 15 s: are both in one unit?",
        ),
        (
            CONFIG,
            "t,latency\n2026-01-01 12:00:00,1\n",
            "t,latency\n2026-01-01T12:00:00Z,1\n",
            "its dates have no zone",
        ),
        (
            CONFIG,
            "t,latency\n1767225600,1\n",
            "t,latency\n2026-01-01T12:00:00,1\n",
            "its dates have no zone",
        ),
        ("metrics: []", "t,a\n0,1\n", "t,a\n0,1\n", "metrics: must not be empty"),
    ],
)
def test_files_that_cannot_be_judged_are_refused_in_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    config: str,
    baseline: str,
    canary: str | None,
    words: str,
) -> None:
    for name, text in (("canary.yml", config), ("a.csv", baseline), ("b.csv", canary)):
        if text is not None:
            (tmp_path / name).write_text(text, "utf-8")
    files = [
        f"--{option}={tmp_path / name}"
        for option, name in (("config", "canary.yml"), ("baseline", "a.csv"), ("canary", "b.csv"))
    ]
    assert run(["judge", *files]) == Exit.USAGE
    err = capsys.readouterr().err
    assert words in err
    assert "Traceback" not in err


def test_the_same_file_is_not_compared_with_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "canary.yml").write_text(CONFIG, "utf-8")
    a = _write(tmp_path / "a.csv", _columns(1))
    assert (
        run(["judge", "--config", str(tmp_path / "canary.yml"), f"--baseline={a}", f"--canary={a}"])
        == Exit.USAGE
    )
    assert "the same file for both versions" in capsys.readouterr().err


TOGETHER = """
together: 0.5
metrics:
  - {name: cpu, kind: level, unit: cores, margin: 10%, weight: 30}
  - {name: memory, kind: level, unit: B, margin: 10%}
  - {name: wait, kind: level, unit: s, margin: 10%}
  - {name: jobs, kind: level, unit: count, direction: decrease, margin: 10%}
"""


@pytest.mark.parametrize(("more", "outcome"), [(1.0, "pass"), (1.08, "fail")])
def test_several_small_harms_are_seen_together(judged: Judged, more: float, outcome: str) -> None:
    def columns(seed: int, factor: float) -> Columns:
        rng = np.random.default_rng(seed)
        return {name: factor * rng.normal(1, 0.03, 60) for name in ("cpu", "memory", "wait", "jobs")}

    at = (NOON, NOON)
    _, document = judged(columns(1, 1.0), columns(2, more), config=TOGETHER, begins=at)
    together = {metric["name"]: metric for metric in document["metrics"]}["together"]
    assert together["decision"] == outcome
    assert together["weight"] == 30


def test_files_are_the_whole_measurement_unless_a_length_is_planned(judged: Judged) -> None:
    """Files without a plan are judged as ever; with one they are a window of which the end may still come."""
    widths, notes = {}, {}
    for planned in ("", "planned: 5m", "planned: 301s", "planned: unknown"):
        _, document = judged(_columns(1), _columns(2), config=f"{planned}\n{CONFIG}")
        latency = document["metrics"][0]
        widths[planned] = latency["high"] - latency["effect"]
        notes[planned] = document["notes"][1]
    assert notes[""].startswith("The files are taken for the whole measurement")
    assert notes["planned: 5m"].startswith("The planned 5 min are over")
    assert notes["planned: 301s"].startswith("5 min of the planned 5 min 1 s")
    assert max(widths[""], widths["planned: 5m"]) < min(widths["planned: 301s"], widths["planned: unknown"])


def test_what_a_file_holds_beyond_the_planned_end_is_left_out(judged: Judged) -> None:
    long, short = (
        judged(_columns(1, n), _columns(2, n), config=f"planned: 2m\n{CONFIG}") for n in (300, 120)
    )
    assert long[1]["metrics"][0]["canary"]["n"] == 120
    assert short[1]["metrics"][0]["canary"]["n"] == 120
