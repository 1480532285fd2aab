"""However a run ends, and in whichever step: where the proxy is, what is written and said of it, and what is left.

tests/faults has the same for every fault; what is marked `faults` here has a short row there and runs with them.
"""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from pipeline.base.errors import Exit
from pipeline.base.facts import PROXY_PORT
from pipeline.base.places import ROOT
from pipeline.base.step_hook import STEP_HOOK
from pipeline.lab.lab import Lab
from pipeline.remote.ssh import ssh_arguments
from tests.support.faults.steps import Steps
from tests.support.lab import Command, active_colour

AT_ONCE = ("--schedule", "concurrent")  # where not the schedule is the question: half of the time
DEADLINE = 60  # seconds from the event to the end of the command


@dataclass
class Held:
    """A run that waits in a step."""

    child: subprocess.Popen[str]
    steps: Steps
    temporary: Path
    runs: Path

    @property
    def run(self) -> Path:
        (path,) = [path for path in self.runs.iterdir() if path.is_dir() and not path.is_symlink()]
        return path

    def finish(self) -> tuple[int, str, str]:
        self.steps.go_on()
        out, err = self.child.communicate(timeout=DEADLINE)
        return self.child.returncode, out or "", err or ""


Hold = Callable[..., Held]


@pytest.fixture
def hold(samples: Path, lab: Lab) -> Iterator[Hold]:  # noqa: ARG001 - the lab must be up
    """Starts a run on the lab, which stays up, and waits until it is in the step of that name."""
    begun: list[Held] = []
    with tempfile.TemporaryDirectory(prefix="end-") as directory:  # a short path, for UNIX sockets

        def begin(step: str, *arguments: str, wrapper: tuple[str, ...] = (), **streams: int) -> Held:
            home = Path(directory)
            (home / "t").mkdir()
            steps = Steps(home / "hook", step)
            given = {
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **streams,
            }
            child: subprocess.Popen[str] = subprocess.Popen(
                [*wrapper, sys.executable, "-m", "pipeline", "canary", "master", "master", "--keep", "--rate", "10",
                 "--repo", str(samples), "--duration", "10s", "--warmup", "3s", "--runs", str(home / "runs"),
                 *arguments],
                cwd=ROOT, text=True, **given,  # type: ignore[call-overload] # pipes or not
                env={**os.environ, STEP_HOOK: str(home / "hook"), "TMPDIR": str(home / "t")},
            )  # fmt: skip
            held = Held(child, steps, home / "t", home / "runs")
            begun.append(held)
            deadline = time.monotonic() + 180
            while not steps.held.wait(0.1):
                assert child.poll() is None, child.communicate()
                assert time.monotonic() < deadline, steps.seen
            return held

        yield begin
        for held in begun:
            held.child.kill()
            held.child.wait()
            held.steps.close()


def served_by(lab: Lab) -> str:
    """The version that answers a request to the proxy, as a client sees it."""
    address = lab.inventory().one("proxy").private_address
    answer = requests.post(f"http://{address}:{PROXY_PORT}/preview", json={"markdown": "# a"}, timeout=10)
    return answer.headers["X-Served-By"]


def processes_with(path: Path) -> list[str]:
    """The command lines of this machine's processes that name `path`."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(path) in words:
            found.append(words)
    return found


def read_until(terminal: int, closing: threading.Event) -> None:
    """Read what is shown on a terminal, as a screen does: who writes to a full one waits."""
    while not closing.is_set():
        if select.select([terminal], [], [], 0.1)[0]:
            os.read(terminal, 1 << 16)


@pytest.mark.parametrize(
    ("step", "number", "times"),
    [
        ("judge", signal.SIGINT, 1),
        pytest.param("judge", signal.SIGTERM, 2, marks=pytest.mark.faults),
        pytest.param("measure green", signal.SIGHUP, 2, marks=pytest.mark.faults),
    ],
)
def test_a_run_that_is_interrupted_gives_the_traffic_back_and_says_so(
    hold: Hold, lab: Lab, step: str, number: signal.Signals, times: int
) -> None:
    held = hold(step)
    for _ in range(times):
        held.child.send_signal(number)
        time.sleep(0.1)
    code, _, err = held.finish()
    assert code == Exit.INTERRUPTED, err
    assert served_by(lab) == active_colour(lab) == "blue"
    assert "pipeline: interrupted; the proxy is on blue; what was measured is in " in err
    record = json.loads((held.run / "run.json").read_text())
    assert record["promoted"] is False
    assert record["proxy"]["colour"] == "blue"
    assert not list(held.temporary.iterdir())


def test_a_signal_does_not_keep_the_proxy_from_being_put_back(hold: Hold, lab: Lab) -> None:
    held = hold("rollback", *AT_ONCE)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        held.child.send_signal(number)
        time.sleep(0.05)
    code, _, err = held.finish()
    assert code == Exit.INCONCLUSIVE, err
    assert "putting the proxy where it belongs, please wait" in err
    assert served_by(lab) == "blue"


@pytest.mark.faults
def test_a_run_that_is_killed_leaves_no_process_and_can_be_judged_and_put_right(
    hold: Hold, lab: Lab, command: Command
) -> None:
    held = hold("measure green", "--duration", "30s")
    private = held.temporary
    assert processes_with(private), "ssh and the loader"
    held.steps.go_on()
    time.sleep(5)
    held.child.kill()
    held.child.communicate()
    deadline = time.monotonic() + 5
    while (left := processes_with(private)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left
    assert list(private.iterdir()), "it could not remove its files"
    assert served_by(lab) == "green"

    judged = command("judge", str(held.run), "--json")
    assert judged.code == Exit.INCONCLUSIVE, judged.err
    assert any("the run was killed" in reason for reason in judged.json["reasons"]), judged.out
    assert judged.json["run"]["baseline"]["measured_seconds"] == 30
    assert 1 < judged.json["run"]["canary"]["measured_seconds"] < 20

    back = command("canary", "rollback", environment={"TMPDIR": str(private)})
    assert (back.code, back.out) == (Exit.OK, "the proxy is on blue\n"), back.err
    assert served_by(lab) == "blue"
    assert not list(private.iterdir())


@pytest.mark.faults
def test_a_terminal_that_closes_during_the_load_is_an_interruption(hold: Hold, lab: Lab) -> None:
    master, slave = pty.openpty()
    closing = threading.Event()
    reader = threading.Thread(target=read_until, args=[master, closing], daemon=True)
    reader.start()
    held = hold("measure green", wrapper=("setsid", "--ctty"), stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    closing.set()
    reader.join()
    os.close(master)
    code, _, _ = held.finish()
    assert code == Exit.INTERRUPTED
    assert served_by(lab) == "blue"
    record = json.loads((held.run / "run.json").read_text())
    assert record["proxy"]["colour"] == "blue"
    assert record["problems"][0]["message"] == "interrupted before the schedule ended"
    assert not list(held.temporary.iterdir())


@pytest.mark.parametrize("how", [signal.SIGTERM, pytest.param(signal.SIGKILL, marks=pytest.mark.faults)])
def test_an_unjudged_version_is_not_deployed_where_a_promoted_one_has_the_traffic(
    hold: Hold,
    lab: Lab,
    command: Command,
    deployed: dict[str, str],  # noqa: ARG001 - a proxy, and something on green
    how: signal.Signals,
) -> None:
    assert command("canary", "promote").code == Exit.OK
    assert served_by(lab) == "green"
    held = hold("operation Run HAProxy")
    assert served_by(lab) == "blue"
    assert processes_with(held.temporary), "pyinfra"
    held.child.send_signal(how)
    code, _, err = held.finish()
    deadline = time.monotonic() + 5
    while (left := processes_with(held.temporary)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left
    assert served_by(lab) == "blue"
    if how is signal.SIGTERM:
        assert code == Exit.INTERRUPTED
        assert "pipeline: interrupted before anything was measured; the proxy is on blue" in err
    else:
        assert command("canary", "rollback", environment={"TMPDIR": str(held.temporary)}).code == Exit.OK
    assert not list(held.temporary.iterdir())


def test_of_a_proxy_that_is_gone_nobody_says_where_it_sends_traffic(
    hold: Hold, lab: Lab, command: Command
) -> None:
    held = hold("measure blue", "--duration", "60s", "--json")
    proxy = lab.inventory().one("proxy")

    def on_proxy(words: str) -> None:
        subprocess.run(["ssh", *ssh_arguments(proxy, lab.known_hosts), words], check=True, timeout=30)

    on_proxy("sudo systemctl stop haproxy")
    code, out, err = held.finish()
    assert code == Exit.INVALID, err
    told = json.loads(out)
    assert any("HAProxy" in reason or "proxy" in reason for reason in told["reasons"]), out
    run = json.loads((held.run / "run.json").read_text())
    assert (run["promoted"], run["proxy"]["colour"]) == (None, None), "nobody knows"
    trouble = told["run"]["trouble"]
    assert trouble.startswith("where the proxy sends traffic is not known: it could not be put on")
    assert trouble.endswith("; type: pipeline canary rollback")
    assert "the proxy is on" not in err
    refused = command("canary", "rollback")
    assert refused.code == Exit.ENVIRONMENT, refused.out
    assert "where the proxy sends traffic is not known" in refused.err
    on_proxy("sudo systemctl start haproxy")
    assert active_colour(lab) == "blue"
    assert command("canary", "rollback").out == "the proxy is on blue\n"


def test_a_proxy_that_comes_back_soon_is_put_back_after_all(hold: Hold, lab: Lab) -> None:
    held = hold("rollback", *AT_ONCE)
    proxy = lab.inventory().one("proxy")
    away = "sudo sh -c 'systemctl stop haproxy; (sleep 4; systemctl start haproxy) >/dev/null 2>&1 &'"
    subprocess.run(["ssh", *ssh_arguments(proxy, lab.known_hosts), away], check=True, timeout=30)
    code, out, err = held.finish()
    assert code == Exit.INCONCLUSIVE, err
    assert "could not be put on" not in out + err
    assert json.loads((held.run / "run.json").read_text())["proxy"]["problem"] == ""
    assert served_by(lab) == "blue"
