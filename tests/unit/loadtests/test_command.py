"""`pipeline judge --requests`: options, exit codes, one line for what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.cli.judge import LOAD_TESTS
from pipeline.cli.root import run
from pipeline.loadtests.formats import FORMATS
from tests.support.load_tests import by_our_loader, recorded


def test_the_command_knows_each_format() -> None:
    assert set(LOAD_TESTS) == set(FORMATS)


def test_the_verdicts_exit_code_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, _ = by_our_loader(tmp_path / "a", seed=1, seconds=120)
    b, _ = by_our_loader(tmp_path / "b", seed=2, seconds=120)
    c, _ = by_our_loader(tmp_path / "c", seed=3, seconds=120, slower=1.3)

    assert run(["judge", "--requests", str(a), str(b), "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out)["outcome"] == "passed"
    assert run(["judge", "--requests", str(a), str(c)]) == Exit.FAILED
    assert "Latency, median" in capsys.readouterr().out


def test_the_verdict_is_written_where_ci_reads_it(tmp_path: Path) -> None:
    a, _ = by_our_loader(tmp_path / "a", seed=1)
    b, _ = by_our_loader(tmp_path / "b", seed=2, slower=1.3)
    junit, summary = tmp_path / "junit.xml", tmp_path / "summary.md"

    run(["judge", "--requests", str(a), str(b), "--junit", str(junit), "--summary", str(summary)])

    assert "Latency, median" in junit.read_text()
    assert "Latency, median" in summary.read_text()


def test_a_configuration_says_what_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, _ = by_our_loader(tmp_path / "a", seed=1, seconds=120)
    b, _ = by_our_loader(tmp_path / "b", seed=2, seconds=120, slower=1.3)
    config = tmp_path / "load.yml"
    config.write_text("metrics:\n  - {name: latency_p50, threshold: 60%}\n  - name: error_rate\n")

    assert run(["judge", "--requests", str(a), str(b), "--config", str(config)]) == Exit.OK

    config.write_text("metrics:\n  - name: service_cpu\n")
    assert run(["judge", "--requests", str(a), str(b), "--config", str(config)]) == Exit.USAGE
    assert re.search(r"load.yml:\d+: .*service_cpu is not told by a load test", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--requests", "a", "b"], "a: cannot be read: No such file"),
        (["--requests", "a", "b", "--judge", "kayenta"], "--judge kayenta does not go with --requests"),
        (["--requests", "a", "b", "--baseline", "c"], "--baseline does not go with --requests"),
        (["--requests", "a", "b", "--from", "-1h"], "--from does not go with --requests"),
        (["runs/x", "--requests", "a", "b"], "a run's directory does not go with --requests"),
        (["--requests", "a", "b", "--warmup", "soon"], "--warmup: "),
        (["runs/x", "--warmup", "5s"], "--warmup goes with --requests"),
        (["runs/x", "--format", "k6"], "--format goes with --requests"),
    ],
)
def test_what_does_not_go_together_is_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert run(["judge", *arguments]) == Exit.USAGE
    assert words in capsys.readouterr().err


def test_a_format_that_is_forced_is_the_one_that_reads(capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(recorded(f"k6-{version}.csv.gz")) for version in ("master", "slow")]

    assert run(["judge", "--requests", *files, "--format", "k6"]) == Exit.INCONCLUSIVE
    assert run(["judge", "--requests", *files, "--format", "jmeter"]) == Exit.USAGE
    assert "k6-master.csv.gz:1: no column timeStamp" in capsys.readouterr().err
