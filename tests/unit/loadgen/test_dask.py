"""`--dask`: a real scheduler and real workers on loopback, one of which ends in mid-run, and one that comes back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from distributed import Client, Queue, Variable

from loadgen.cli import INTERRUPTED, INVALID, OK, USAGE, main
from loadgen.plan import Plan
from loadgen.relay import Clock, relay
from loadgen.shard import Failed, Message, Order, Ready, frame, opened
from tests.support.dask_cluster import Cluster, cluster
from tests.support.divided_load import children, gone, load, rows

URL = "http://127.0.0.1:9/"  # nothing listens there
TLS = ["--dask-ca=ca.pem", "--dask-cert=cert.pem", "--dask-key=key.pem"]


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two of them; the tests follow each other, as the last one ends one."""
    with cluster(2, tmp_path_factory.mktemp("dask")) as found:
        yield found


def test_all_workers_of_a_cluster_together_send_the_load(workers: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "requests.csv"
    ended = load("--rate=30", "--duration=2s", f"--dask={workers.address}", f"--requests-out={out}")
    assert (ended.code, ended.errors) == (OK, "")
    assert len(ended.asked) == len(rows(out)) == 60
    assert sorted(float(row["t"]) for row in rows(out)) == pytest.approx(
        [i / 30 for i in range(60)], abs=1e-6
    )
    shards = ended.summary["shards"]
    assert [shard["sent"] for shard in shards] == [30, 30]
    assert [shard["name"] for shard in shards] == [
        f"shard {number} of 2 (worker {address})" for number, address in enumerate(sorted(workers.workers), 1)
    ]
    for shard in shards:  # of one machine
        assert 0 <= abs(shard["clock_ahead_ms"]) <= shard["clock_to_within_ms"] <= 100


def test_a_shard_that_dask_runs_again_after_the_start_sends_nothing(workers: Cluster) -> None:
    (plan,) = Plan(URL, 50, 5).divided(1)
    with Client(workers.address) as client:
        said, told = Queue("said", client=client), Variable("told", client=client)
        told.set({"start": time.time() - 3, "stops": 0, "over": 0, "beat": 0})
        order = frame(Order(plan, first=False, rows=False))
        again = client.submit(relay, 7, order, said.name, told.name, Clock(0.0, 0.0), pure=False)
        messages: list[Message] = []
        while not messages or not isinstance(messages[-1], Failed):
            number, *frames = said.get(timeout=60)
            messages += [opened(data) for data in frames]
        again.result(timeout=60)
    assert number == 7
    assert [type(message) for message in messages] == [Ready, Failed]
    assert re.fullmatch(r"Failed\(why='heard of the start [\d.]+ s after it'\)", str(messages[1]))


def test_an_interrupt_ends_all_workers_parts(workers: Cluster) -> None:
    sent: list[int] = []

    def act(loader: int, event: dict[str, Any]) -> None:
        if event["event"] == "second" and not sent:
            sent.append(loader)
            os.kill(loader, signal.SIGINT)

    ended = load("--rate=30", "--duration=1h", f"--dask={workers.address}", act=act)
    summary = ended.summary
    assert (ended.code, ended.errors, summary["interrupted"]) == (INTERRUPTED, "", True)
    assert [shard["lost"] for shard in summary["shards"]] == [None, None]
    assert summary["completed"] + summary["abandoned"] == summary["scheduled"] >= 30


def test_a_shard_ends_when_the_loader_is_gone(workers: Cluster) -> None:
    """Dask itself lets a task go on whose client is gone."""
    processes: list[int] = []

    def act(loader: int, event: dict[str, Any]) -> None:
        if event["event"] == "second" and not processes:
            processes.extend(child for worker in workers.workers.values() for child in children(worker.pid))
            os.kill(loader, signal.SIGKILL)

    ended = load("--rate=30", "--duration=1h", f"--dask={workers.address}", act=act)
    assert ended.code == -signal.SIGKILL
    assert len(processes) == 2
    end = time.monotonic() + 90
    while not all(gone(process) for process in processes) and time.monotonic() < end:
        time.sleep(0.1)
    assert [gone(process) for process in processes] == [True, True]


def test_a_worker_that_ends_is_named_and_one_that_comes_back_in_its_place_sends_nothing(
    workers: Cluster, tmp_path: Path
) -> None:
    """Dask gives the task to the worker of that address, which would send at once all that was due meanwhile."""
    address, process = sorted(workers.workers.items())[1]
    again: list[subprocess.Popen[bytes]] = []

    def act(loader: int, event: dict[str, Any]) -> None:  # noqa: ARG001
        if event["event"] == "second" and not again:
            process.kill()
            process.wait()
            again.append(
                subprocess.Popen(
                    [
                        *(sys.executable, "-m", "distributed.cli.dask_worker", workers.address, "--no-nanny"),
                        *("--host", "127.0.0.1", "--worker-port", str(urlsplit(address).port)),
                        *("--no-dashboard", "--nthreads", "1", "--local-directory", str(tmp_path)),
                    ],
                    stderr=subprocess.DEVNULL,
                )
            )

    try:
        ended = load("--rate=30", "--duration=10s", f"--dask={workers.address}", act=act)
    finally:
        for worker in again:
            worker.kill()
            worker.wait()
    first, lost = ended.summary["shards"]
    assert ended.code == INVALID
    assert lost["lost"].startswith(f"shard 2 of 2 (worker {address}) was lost (")
    assert ended.summary["reason"] == lost["lost"]
    assert (first["lost"], first["sent"]) == (None, 150)
    assert lost["sent"] < 130
    assert len(ended.asked) - 150 - lost["sent"] < 50, "what it sent after it was heard last"


def test_a_scheduler_that_is_not_there_is_said_in_one_line() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "loadgen", URL, "--dask=tcp://127.0.0.1:9"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (INVALID, "")
    assert ended.stderr.startswith("loadgen: no Dask scheduler at tcp://127.0.0.1:9")
    assert len(ended.stderr.splitlines()) == 1


def test_without_dask_the_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("distributed", "loadgen.dask_shards"):
        monkeypatch.setitem(sys.modules, module, None)
    assert main([URL, "--dask=tcp://127.0.0.1:9"]) == USAGE
    assert "pip install 'pipeline-canary[loader-dask]'" in capsys.readouterr().err


def test_dask_is_not_imported_where_nobody_asks_for_it() -> None:
    code = "import sys, loadgen.cli; print([name for name in sys.modules if name in ('dask', 'distributed')])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--processes=2", "--dask and --processes: each worker is one"),
        ("--source=127.0.0.1", "--dask and --source: the workers do not have it"),
    ],
)
def test_what_does_not_go_with_workers_is_a_usage_error(
    option: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([URL, "--dask=tcp://127.0.0.1:9", option]) == USAGE
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--dask-ca=ca.pem"], "--dask-ca, --dask-cert and --dask-key are for --dask tls://HOST:PORT"),
        (["--dask=tcp://127.0.0.1:9", "--dask-ca=ca.pem"], "are for --dask tls://HOST:PORT"),
        (["--dask=tls://127.0.0.1:9", "--dask-ca=ca.pem"], "go together: give all three"),
        (["--dask=tls://127.0.0.1:9", *TLS], "ca.pem: No such file or directory"),
    ],
)
def test_certificates_of_a_cluster_are_for_tls_and_go_together(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([URL, *options]) == USAGE
    assert said in capsys.readouterr().err


def test_certificates_that_are_none_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "any.pem").write_text("none")
    files = [f"--dask-{name}={tmp_path / 'any.pem'}" for name in ("ca", "cert", "key")]
    assert main([URL, "--dask=tls://127.0.0.1:9", *files]) == USAGE
    assert "cannot be used: PEM files, and the key belongs to the certificate" in capsys.readouterr().err


def test_a_cluster_with_tls_needs_certificates() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "loadgen", URL, "--dask=tls://127.0.0.1:9"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == INVALID
    line = "loadgen: no certificates for tls://127.0.0.1:9: give --dask-ca, --dask-cert and --dask-key\n"
    assert ended.stderr == line


def test_arguments_can_be_looked_at_without_sending(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([URL, "--dask=tcp://127.0.0.1:9", "--check"]) == OK
    assert main([URL, "--dask=tcp://127.0.0.1:9", "--rate=many", "--check"]) == USAGE
    assert capsys.readouterr().out == ""
