"""A real Prometheus scrapes small services whose faults are switched on; gates are commands, each in a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.errors import Exit
from pipeline.cli.root import run
from tests.support.live_services import CONFIG, SCRAPE, Service, live

STEPS = 12
SECONDS = 24


@dataclass
class Ended:
    """How a command ended: its code, the JSON that it printed, what it said meanwhile, and its directory of runs."""

    code: int
    document: dict[str, Any]
    said: str
    runs: Path

    def decision(self, name: str) -> str:
        return str(next(m["decision"] for m in self.document["metrics"] if m["name"] == name))


def command(url: str, directory: Path, canary: str, *options: str) -> list[str]:
    config = directory / "canary.yml"
    config.write_text(CONFIG, "utf-8")
    return [
        sys.executable, "-m", "pipeline", "gate", "--config", str(config), "--prometheus", url, "--json",
        "--set", f"canary.version={canary}", "--for", f"{SECONDS}s", "--runs", str(directory / f"runs-{canary}"),
        *options,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Ended]]:
    """All gates at once, each of its own canary beside the same baseline."""
    directory = tmp_path_factory.mktemp("live")
    names = ("old", "same", "failing", "slow", "leaking", "idle", "restarting", "missed", "ending")
    services = {name: Service(name, seed) for seed, name in enumerate(names)}
    services["failing"].failing = 0.4
    services["slow"].slower = 1.2
    services["leaking"].leak = 2e6
    services["idle"].rate = 0.0
    with live(directory, list(services.values())) as url:
        time.sleep(8 * SCRAPE)
        began = {
            name: subprocess.Popen(
                command(
                    url, directory, name,
                    "--on-pass", f"{sys.executable} -c 'import sys; open(sys.argv[1], \"w\").write(sys.stdin.read())' "
                    f"{directory}/{name}-passed.json",
                    "--on-fail", f"tee {directory}/{name}-failed.json",
                ),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for name in names[1:]
        }  # fmt: skip
        time.sleep(SECONDS / 3)
        services["restarting"].restart()
        services["missed"].silent = True
        time.sleep(4 * SCRAPE)
        services["missed"].silent = False
        time.sleep(SECONDS / 4)
        services["ending"].silent = True
        found = {}
        for name, child in began.items():
            out, err = child.communicate(timeout=180)
            found[name] = Ended(child.returncode, json.loads(out), err, directory / f"runs-{name}")
    yield found


def test_the_same_code_passes_at_the_planned_end(ended: dict[str, Ended]) -> None:
    same = ended["same"]
    assert same.code == Exit.OK, same.said
    assert f"The planned {SECONDS} s are over" in " ".join(same.document["notes"])
    assert same.document["run"]["stopped_early"] is None


def test_errors_fail_within_three_steps(ended: dict[str, Ended]) -> None:
    failing = ended["failing"]
    assert failing.code == Exit.FAILED
    assert failing.decision("errors") == "fail"
    assert failing.document["run"]["stopped_early"]["decided_after"] <= SECONDS / 2


def test_a_median_a_fifth_higher_fails(ended: dict[str, Ended]) -> None:
    assert ended["slow"].code == Exit.FAILED, ended["slow"].said
    assert ended["slow"].decision("latency") == "fail"


def test_a_leak_fails(ended: dict[str, Ended]) -> None:
    assert ended["leaking"].code == Exit.FAILED, ended["leaking"].said
    assert ended["leaking"].decision("leak") == "fail"


def test_no_traffic_is_inconclusive(ended: dict[str, Ended]) -> None:
    assert ended["idle"].code == Exit.INCONCLUSIVE
    assert "the canary had no request" in " ".join(ended["idle"].document["reasons"])


def test_counters_that_begin_again_and_scrapes_that_are_missed_are_no_harm(ended: dict[str, Ended]) -> None:
    for name in ("restarting", "missed"):
        assert ended[name].code in (Exit.OK, Exit.INCONCLUSIVE), ended[name].said
        assert "fail" not in {m["decision"] for m in ended[name].document["metrics"]}
    assert ended["restarting"].decision("errors") == "pass"


def test_a_series_that_ends_does_not_pass(ended: dict[str, Ended]) -> None:
    assert ended["ending"].code != Exit.OK


def test_what_was_asked_for_is_done_with_the_verdict_on_its_input(ended: dict[str, Ended]) -> None:
    directory = ended["same"].runs.parent
    passed = json.loads((directory / "same-passed.json").read_text("utf-8"))
    assert passed == ended["same"].document
    failed = json.loads((directory / "failing-failed.json").read_text("utf-8"))
    assert failed == ended["failing"].document
    assert json.loads(ended["failing"].said[ended["failing"].said.index("{") :]) == failed  # tee's own output
    assert not (directory / "idle-passed.json").exists()
    assert not (directory / "idle-failed.json").exists()


def test_it_says_first_what_the_server_has(ended: dict[str, Ended]) -> None:
    said = ended["same"].said
    assert "errors: baseline 1 series, last sample" in said
    assert "last sample" in said.split("latency:")[1].splitlines()[0]
    assert "the window's end stays" in said


def test_a_gate_is_a_run_like_any_other(ended: dict[str, Ended], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "--runs", str(ended["failing"].runs), "--json"]) == Exit.OK
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["outcome"] == "failed"
    assert listed["canary"]["ref"] == "version=failing"
    assert run(["judge", listed["directory"]]) == Exit.FAILED
    assert run(["report", listed["directory"]]) == Exit.USAGE
    assert f"pipeline judge {listed['directory']}" in capsys.readouterr().err


def test_one_that_was_killed_goes_on_and_ctrl_c_says_how(tmp_path: Path) -> None:
    old, same = Service("old", 21), Service("same", 22)
    with live(tmp_path, [old, same]) as url:
        time.sleep(8 * SCRAPE)
        line = command(url, tmp_path, "same")
        for number in (signal.SIGKILL, signal.SIGINT):
            child = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            _wait_for_a_look(tmp_path / "runs-same")
            os.kill(child.pid, number)
            _, said = child.communicate(timeout=60)
            if number is signal.SIGINT:
                assert child.returncode == Exit.INTERRUPTED
                assert "going on with" in said
                assert "try: the same command goes on with it" in said
        last = subprocess.run(line, capture_output=True, text=True, timeout=180, check=False)
    assert "going on with" in last.stderr
    assert last.returncode == Exit.OK, last.stderr
    assert len(list((tmp_path / "runs-same").iterdir())) == 1


def _wait_for_a_look(runs: Path) -> None:
    seen = len(list(runs.glob("*/baseline.csv")))
    until = time.monotonic() + 60
    while not seen and not list(runs.glob("*/baseline.csv")):
        assert time.monotonic() < until
        time.sleep(0.1)
    time.sleep(2)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server with two versions, and a directory."""
    directory = tmp_path_factory.mktemp("quiet")
    with live(directory, [Service("old", 31), Service("new", 32)]) as url:
        time.sleep(4 * SCRAPE)
        yield url, directory


def _gate(url: str, directory: Path, *options: str) -> int:
    config = directory / "canary.yml"
    config.write_text(CONFIG, "utf-8")
    return run(["gate", "--config", str(config), "--prometheus", url, "--runs", str(directory / "runs"), *options])


def test_versions_that_share_series_are_refused_before_the_wait(
    quiet: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _gate(*quiet, "--for", "1h", "--set", "canary.version=o.*|new") == Exit.USAGE
    assert "the versions are not told apart: errors: 1 series of" in capsys.readouterr().err
    assert not (quiet[1] / "runs").exists()


def test_a_label_that_matches_nothing_is_told_before_the_wait_with_what_there_is(
    quiet: tuple[str, Path], tmp_path: Path
) -> None:
    child = subprocess.Popen(
        command(quiet[0], tmp_path, "1.5.O", "--for", "1h"), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stderr
    told = ""
    for line in child.stderr:
        told += line
        if "state:" in line:
            break
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert 'nothing in the canary for http_requests_total{version="1.5.O"} (there version is new, old)' in told
    assert "latency: baseline 41 series" in told
    assert "canary no series" in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "how long is to be watched?"),
        (["--for", "5s"], "no whole number of steps"),
        (["--for", "10s"], "no level passes with fewer than 10"),
        (["--for", "1h", "--on-fail", "no-such-program x"], "there is no program 'no-such-program'"),
        (["--for", "1h", "--on-pass", "echo 'x"], "--on-pass: No closing quotation"),
        (["--for", "1h", "--on-pass", " "], "--on-pass: no command is given"),
        (["--for", "1h", "--set", "canary"], "is not KEY=VALUE"),
        (["--for", "1h", "--set", "metrics.nothing.margin=1"], "there is no nothing in"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_asked(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _gate("http://127.0.0.1:1", tmp_path, *options) == Exit.USAGE
    assert said in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_server_that_is_not_there_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _gate("http://127.0.0.1:1", tmp_path, "--for", "1h") == Exit.ENVIRONMENT
    assert "cannot be asked: connection refused" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
