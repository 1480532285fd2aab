"""`pipeline judge --judge kayenta`: from files on disk to a table, a document and an exit code."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline.base.errors import Exit
from pipeline.cli.root import run


def _write(
    directory: Path, *, shift: float = 0.0, name: str = "latency", groups: Sequence[str] = ("requests",)
) -> list[str]:
    """A configuration and two files of series; gives the command's arguments."""
    config = {
        "metrics": [
            {
                "name": name,
                "groups": list(groups),
                "analysisConfigurations": {"canary": {"direction": "increase"}},
            },
            {"name": "cpu", "groups": ["system"], "analysisConfigurations": {}},
        ],
        "classifier": {
            "groupWeights": {"requests": 20, "system": 80},
            "scoreThresholds": {"pass": 95, "marginal": 75},
        },
    }
    (directory / "canary.json").write_text(json.dumps(config), "utf-8")
    for file, seed, more in (("a.csv", 1, 0.0), ("b.csv", 2, shift)):
        rng = np.random.default_rng(seed)
        rows = [f"{t},{rng.normal(10, 1) + more},{rng.normal(3, 1)}" for t in range(60)]
        (directory / file).write_text("\n".join([f"t,{name},cpu", *rows]) + "\n", "utf-8")
    return [
        "judge",
        "--judge",
        "kayenta",
        "--config",
        str(directory / "canary.json"),
        "--baseline",
        str(directory / "a.csv"),
        "--canary",
        str(directory / "b.csv"),
    ]


@pytest.mark.parametrize(
    ("shift", "thresholds", "code", "words"),
    [
        (0.0, [], Exit.OK, "canary score 100/100: Pass"),
        (5.0, [], Exit.INCONCLUSIVE, "canary score 80/100: Marginal"),
        (5.0, ["--marginal", "90"], Exit.FAILED, "canary score 80/100: Fail"),
        (5.0, ["--pass", "80"], Exit.OK, "canary score 80/100: Pass"),
    ],
)
def test_the_score_ends_the_table_and_decides_the_exit_code(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    shift: float,
    thresholds: list[str],
    code: Exit,
    words: str,
) -> None:
    assert run([*_write(tmp_path, shift=shift), *thresholds]) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith(words)
    assert any(re.match(r"latency +\d.*requests +" + ("High" if shift else "Pass"), line) for line in lines)


def test_json_is_one_document_with_kayentas_own_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*_write(tmp_path, shift=5.0), "--json"]) == Exit.INCONCLUSIVE
    document = json.loads(capsys.readouterr().out)
    result = document["result"]
    assert document["outcome"] == "inconclusive"
    assert result["judgeName"] == "NetflixACAJudge-v1.0"
    assert result["score"]["classification"] == "Marginal"
    assert [metric["classification"] for metric in result["results"]] == ["High", "Pass"]
    assert result["results"][0]["experimentMetadata"]["stats"]["count"] == 60
    assert {group["name"]: group["score"] for group in result["groupScores"]} == {
        "requests": 0,
        "system": 100,
    }


def test_a_series_that_is_absent_and_a_ratio_that_is_no_number_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = _write(tmp_path)
    (tmp_path / "a.csv").write_text("t,cpu\n" + "".join(f"{t},0\n" for t in range(9)), "utf-8")
    run(arguments)
    assert "note: no series 'latency' in the baseline" in capsys.readouterr().out
    run([*arguments, "--json"])
    results = json.loads(capsys.readouterr().out)["result"]["results"]
    assert results[1]["resultMetadata"]["ratio"] == "NaN"


def test_names_from_the_files_cannot_steer_the_terminal_or_break_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(_write(tmp_path, name="evil\x1b[31m\u202e" + "x" * 200, groups=["\ud800", "日本"], shift=5.0))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert all(len(line) < 120 for line in out.splitlines() if not line.startswith(("- ", "note: ")))


def _rewritten(path: Path, dialect: str) -> None:
    """The same series as another exporter writes them."""
    (_, *names), *rows = [line.split(",") for line in path.read_text("utf-8").splitlines()]
    if dialect == "long":
        lines = ["Metric;Time;Value"]
        lines += [
            f"{n};{float(t) * 15_000 + 1.7e12:.0f};{v}"
            for t, *vs in rows
            for n, v in zip(names, vs, strict=True)
        ]
    else:
        lines = [";".join(["Time", *names])]
        lines += [
            ";".join([f"{float(t) * 15 + 1.7e9:.0f}", *(v.replace(".", ",") for v in vs)]) for t, *vs in rows
        ]
    path.write_text("\r\n".join(lines), "utf-8-sig")


@pytest.mark.parametrize("dialect", ["long", "wide"])
def test_an_exporters_way_to_write_the_files_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dialect: str
) -> None:
    arguments = _write(tmp_path, shift=5.0)
    said = []
    for again in (False, True):
        if again:
            _rewritten(tmp_path / "a.csv", dialect)
            _rewritten(tmp_path / "b.csv", dialect)
        assert run([*arguments, "--json"]) == Exit.INCONCLUSIVE
        said.append(json.loads(capsys.readouterr().out))
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("row", "words"),
    [("1767268800000,10,3", "t is milliseconds since 1970, but seconds"), ("60,10 ms,3", "with the unit ms")],
)
def test_what_no_reader_can_know_is_refused_here_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: str, words: str
) -> None:
    arguments = _write(tmp_path)
    with (tmp_path / "b.csv").open("a", encoding="utf-8") as file:
        file.write(row + "\n")
    assert run(arguments) == Exit.USAGE
    err = capsys.readouterr().err
    assert words in err
    assert "b.csv:62: " in err


def _run_directory(directory: Path) -> Path:
    directory.mkdir()
    phases = [
        {"arm": arm, "kind": "measure", "start": start, "end": start + 40}
        for arm, start in (("baseline", 0), ("canary", 40))
    ]
    (directory / "run.json").write_text(json.dumps({"format": 1, "phases": phases, "problems": []}), "utf-8")
    requests = ["t,lateness_us,latency_us,status,error,bytes,body_ok,body_crc,served_by"]
    series = ["t,arm,metric,value"]
    for second in range(80):
        arm, colour = ("baseline", "blue") if second < 40 else ("canary", "green")
        series.append(f"{second + 0.5},{arm},service_memory,{70e6 + 1e4 * (second % 7)}")
        for part in range(10):
            latency = 6000 + 100 * part + 37 * (second % 5) + (5000 if second >= 40 else 0)
            requests.append(f"{second + part / 10},0,{latency},200,,100,1,00000000,{colour}")
    (directory / "requests.csv").write_text("\n".join(requests) + "\n", "utf-8")
    (directory / "series.csv").write_text("\n".join(series) + "\n", "utf-8")
    return directory


def test_a_run_directory_is_judged_by_its_series_and_its_requests_by_second(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("latency_p99", "service_memory", "errors")
    config = {
        "metrics": [{"name": name, "groups": [name], "analysisConfigurations": {}} for name in names],
        "classifier": {"scoreThresholds": {"pass": 95, "marginal": 75}},
    }
    (tmp_path / "canary.json").write_text(json.dumps(config), "utf-8")
    directory = _run_directory(tmp_path / "run")
    assert (
        run(["judge", str(directory), "--judge", "kayenta", "--config", str(tmp_path / "canary.json")])
        == Exit.FAILED
    )
    out = capsys.readouterr().out
    assert re.search(r"latency_p99 +0.00\d+ +0.01\d+ .*High", out)
    assert out.count(" Pass") == 2
    assert "canary score 66.67/100: Fail" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--judge", "kayenta"], "--config"),
        (["--judge", "kayenta", "--config", "C"], "give --baseline FILE and --canary FILE"),
        (
            ["--judge", "kayenta", "--config", "C", "--baseline", "A"],
            "give --baseline FILE and --canary FILE",
        ),
        (
            ["run", "--judge", "kayenta", "--config", "C", "--baseline", "A", "--canary", "B"],
            "or a run directory",
        ),
        (
            ["--judge", "kayenta", "--config", "C", "--baseline", "A", "--canary", "none.csv"],
            "none.csv:1: cannot be",
        ),
        (["--judge", "kayenta", "--config", "A", "--baseline", "A", "--canary", "B"], "a.csv:1: not JSON"),
        (["--judge", "kayenta", "--config", "C", "--baseline", "A", "--canary", "C"], "canary.json:1: "),
        (["--judge", "spinnaker"], "spinnaker"),
        (["--config", "C", "run"], "--config is for series, not for a run directory"),
        (["--pass", "3", "run"], "--pass is for --judge kayenta"),
        ([], "which run?"),
    ],
)
def test_what_is_missing_or_contradicts_is_said_and_exits_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    _write(tmp_path)
    files = {"C": "canary.json", "A": "a.csv", "B": "b.csv"}
    given = [str(tmp_path / files[word]) if word in files else word for word in arguments]
    assert run(["judge", *given]) == Exit.USAGE
    err = capsys.readouterr().err
    assert words in err
    assert "Traceback" not in err
