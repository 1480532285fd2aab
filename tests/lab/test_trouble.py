"""When things go wrong: a true verdict or one clear error, soon, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.base.places import ROOT
from pipeline.lab import lxc
from pipeline.lab.lab import Lab
from pipeline.lab.sets import CANARY
from pipeline.remote.ssh import ssh_arguments
from tests.support.lab import Command, active_colour
from tests.support.slow_link import cut_link, slow_link

DEADLINE = 60  # seconds from the event to the end of the command


@pytest.fixture
def start(samples: Path, tmp_path: Path, lab: Lab) -> Callable[..., subprocess.Popen[str]]:  # noqa: ARG001 - the lab must be up
    """Starts a canary run in the background."""

    def begin(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", "canary", "master", "master", "--repo", str(samples), "--keep", "--json",
             "--runs", str(tmp_path / "runs"), *arguments],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return begin


def run_directory(tmp_path: Path) -> Path:
    (path,) = [path for path in (tmp_path / "runs").iterdir() if path.is_dir() and not path.is_symlink()]
    return path


def wait_for_load(tmp_path: Path, phase_start: float, child: subprocess.Popen[str]) -> None:
    """Until the loader has written a request due after `phase_start` seconds."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and child.poll() is None:
        for file in (tmp_path / "runs").glob("*/requests.csv"):
            rows = file.read_text().splitlines()[1:]
            if rows and float(rows[-1].split(",")[0]) > phase_start:
                return
        time.sleep(0.5)
    pytest.fail(f"no load: {child.communicate()[1]}" if child.poll() is not None else "no load within 180 s")


def on(lab: Lab, host: str, *command: str) -> None:
    machine = lab.inventory().one(host)
    subprocess.run(
        ["ssh", *ssh_arguments(machine, lab.known_hosts), " ".join(command)],
        check=False,
        capture_output=True,
        timeout=30,
    )


def finish(child: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = child.communicate(timeout=DEADLINE)
    return child.returncode, out, err


def test_ctrl_c_during_the_load_keeps_what_was_measured_and_leaves_the_proxy_on_blue(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, lab: Lab
) -> None:
    child = start("--duration", "60s", "--warmup", "5s", "--schedule", "concurrent")
    wait_for_load(tmp_path, 8, child)
    assert active_colour(lab) == "both"
    child.send_signal(signal.SIGINT)
    code, _, err = finish(child)
    assert code == Exit.INTERRUPTED, err
    assert "interrupted" in err
    assert "Traceback" not in err
    path = run_directory(tmp_path)
    run = json.loads((path / "run.json").read_text())
    assert run["phases"][-1]["end"] < 60
    assert active_colour(lab) == "blue"
    assert any(path.glob("requests.csv*"))


def test_a_baseline_that_goes_away_in_its_phase_makes_the_run_invalid(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, lab: Lab
) -> None:
    child = start("--duration", "120s", "--warmup", "3s")
    wait_for_load(tmp_path, 4, child)
    on(lab, "blue", "sudo", "systemctl", "stop", "canary")
    code, out, err = finish(child)
    assert code == Exit.INVALID, err
    assert any("baseline" in reason for reason in json.loads(out)["reasons"]), out


def test_haproxy_dying_is_invalid_and_not_the_canarys_fault(
    start: Callable[..., subprocess.Popen[str]], pipeline: Command, tmp_path: Path, lab: Lab
) -> None:
    child = start("--duration", "120s", "--warmup", "3s")
    wait_for_load(tmp_path, 4, child)
    on(lab, "proxy", "sudo", "systemctl", "stop", "haproxy")
    code, out, err = finish(child)
    assert code == Exit.INVALID, err
    document = json.loads(out)
    assert any("HAProxy" in reason or "proxy" in reason for reason in document["reasons"]), out
    run = json.loads((run_directory(tmp_path) / "run.json").read_text())
    assert (run["promoted"], run["proxy"]["colour"]) == (None, None), "nobody knows"
    assert document["run"]["trouble"].startswith(
        "where the proxy sends traffic is not known: it could not be put on"
    )
    assert document["run"]["trouble"].endswith("; type: pipeline canary rollback")
    assert "the proxy is on" not in err
    refused = pipeline("canary", "rollback")
    assert refused.code == Exit.ENVIRONMENT, refused.out
    assert "where the proxy sends traffic is not known" in refused.err
    on(lab, "proxy", "sudo", "systemctl", "start", "haproxy")
    assert active_colour(lab) == "blue"
    assert pipeline("canary", "rollback").out == "the proxy is on blue\n"


def test_a_host_that_dies_is_named(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, lab: Lab
) -> None:
    child = start("--duration", "120s", "--warmup", "3s")
    wait_for_load(tmp_path, 4, child)
    lxc.stop([CANARY.prefix(ROOT) + "green"])
    code, out, err = finish(child)
    assert code == Exit.INVALID, err
    assert any("green" in reason for reason in json.loads(out)["reasons"]), out
    lab.up()


def test_a_host_that_still_serves_is_not_called_dead_when_only_ssh_to_it_is(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    child = start("--duration", "60s", "--warmup", "3s", "--rate", "10")
    wait_for_load(tmp_path, 4, child)
    green = ["lxc-attach", "-n", CANARY.prefix(ROOT) + "green", "--", "sh", "-c"]
    try:
        subprocess.run([*green, "systemctl stop ssh ssh.socket; pkill sshd"], check=True, capture_output=True)
        code, out, err = finish(child)
    finally:
        subprocess.run([*green, "systemctl start ssh"], check=True)
    assert code == Exit.INVALID, err
    (said,) = [reason for reason in json.loads(out)["reasons"] if "green" in reason]
    assert said == "SSH to host green is lost, and with it its health; the proxy still reaches its service"


@pytest.mark.parametrize("port", [None, 3000], ids=["link", "port"])
def test_identical_code_behind_a_slow_link_is_not_failed_and_the_link_is_named(
    start: Callable[..., subprocess.Popen[str]], port: int | None
) -> None:
    with slow_link(CANARY.prefix(ROOT) + "green", 0.1, port=port):
        child = start("--duration", "20s", "--warmup", "3s", "--rate", "10")
        out, err = child.communicate(timeout=240)
    assert child.returncode == Exit.INCONCLUSIVE, err
    told = json.loads(out)
    assert "the network between the proxy and green delays requests" in told["headline"], out
    if port is None:  # a relay answers whoever connects at once
        assert "connecting takes 1" in told["reasons"][0], out


def test_a_canary_that_the_proxy_no_longer_reaches_is_not_failed_while_it_answers_on_its_host(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    child = start("--duration", "20s", "--warmup", "3s", "--rate", "10")
    wait_for_load(tmp_path, 22, child)
    with cut_link(CANARY.prefix(ROOT) + "green", 3000):
        out, err = child.communicate(timeout=120)
    assert child.returncode == Exit.INCONCLUSIVE, err
    assert "the network between the proxy and green loses packets" in json.loads(out)["headline"], out


def test_a_second_run_on_the_same_lab_is_refused_at_once_and_names_the_first(
    start: Callable[..., subprocess.Popen[str]], pipeline: Command, samples: Path, tmp_path: Path
) -> None:
    child = start("--duration", "60s", "--warmup", "3s")
    try:
        wait_for_load(tmp_path, 1, child)
        second = pipeline("canary", "master", "broken", "--repo", str(samples))
        assert second.code == Exit.ENVIRONMENT, second.err
        assert str(child.pid) in second.err
    finally:
        os.kill(child.pid, signal.SIGTERM)
        assert finish(child)[0] == Exit.INTERRUPTED
