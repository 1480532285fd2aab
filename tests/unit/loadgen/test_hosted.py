"""A worker that lives as long as its input: real processes on loopback, where SSH would lead from one to the other."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import rpc

from loadgen.cli import INVALID, OK
from pipeline.load.certificates import Authority, Certificate
from tests.support.divided_load import children, gone, load
from tests.support.hosted import Hosted, Run, a_run

IMPATIENT = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "import loadgen.hosted as it; it._SILENT_SECONDS = 1; it.main()"
)


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with a_run() as found:
        yield found


@pytest.fixture(scope="module")
def two(run: Run) -> list[Hosted]:
    return [run.worker("two"), run.worker("one")]


def nothing_left(hosted: Hosted) -> bool:
    """Whether the worker has ended, and its directory is gone."""
    hosted.process.wait(20)
    return hosted.line() == {} and not Path(hosted.said["directory"]).exists()


def listening(process: int) -> set[str]:
    """Where a process listens: addresses as the kernel writes them, the last octet first."""
    inodes = {str(path.readlink()) for path in Path(f"/proc/{process}/fd").iterdir() if path.is_symlink()}
    rows = [
        line.split()
        for kind in ("tcp", "tcp6")
        for line in Path(f"/proc/{process}/net/{kind}").read_text().splitlines()[1:]
    ]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes}


def test_the_workers_send_the_load_and_are_called_by_their_names(
    run: Run, two: list[Hosted], tmp_path: Path
) -> None:
    assert len(two) == 2
    ended = load("--rate=30", "--duration=2s", *run.files(tmp_path))
    assert (ended.code, ended.errors) == (OK, "")
    assert len(ended.asked) == ended.summary["sent"] == 60
    assert [shard["name"] for shard in ended.summary["shards"]] == [
        "shard 1 of 2 (worker one)",
        "shard 2 of 2 (worker two)",
    ]


def test_a_worker_listens_on_loopback_only(two: list[Hosted]) -> None:
    assert {*map(frozenset, (listening(each.process.pid) for each in two))} == {frozenset({"0100007F"})}


@pytest.mark.parametrize("port", ["the scheduler's", "a worker's"])
def test_a_connection_without_the_runs_certificate_is_refused(
    run: Run, two: list[Hosted], port: str, tmp_path: Path
) -> None:
    number = run.port if port == "the scheduler's" else two[0].said["port"]
    stranger = Authority().certificate("loader")

    def asked(scheme: str, own: Certificate | None) -> Any:
        tls = ssl.create_default_context(cadata=run.ca)
        tls.check_hostname = False
        if own is not None:
            (tmp_path / "own.pem").write_text(own.cert + own.key)
            tls.load_cert_chain(tmp_path / "own.pem")
        shown = {"ssl_context": tls, "require_encryption": True} if scheme == "tls" else {}

        async def ask() -> Any:
            async with rpc(f"{scheme}://127.0.0.1:{number}", timeout=5, connection_args=shown) as remote:
                return await remote.identity()

        return asyncio.run(ask())

    assert asked("tls", run.own["loader"])["type"] in ("Scheduler", "Worker")
    for scheme, own in (("tcp", None), ("tls", None), ("tls", stranger)):
        with pytest.raises(OSError, match="before comm was established"):
            asked(scheme, own)


def test_the_loader_says_it_in_a_line_where_it_has_another_runs_certificate(
    run: Run, two: list[Hosted], tmp_path: Path
) -> None:
    assert two
    options = run.files(tmp_path)
    stranger = Authority().certificate("loader")
    (tmp_path / "cert").write_text(stranger.cert)
    (tmp_path / "key").write_text(stranger.key)
    ended = load("--rate=30", "--duration=1s", *options)
    assert (ended.code, ended.asked) == (INVALID, [])
    assert ended.errors.startswith(f"loadgen: no Dask scheduler at {run.address}: ")
    assert len(ended.errors.splitlines()) == 1


def test_it_ends_with_its_input_and_leaves_nothing(run: Run) -> None:
    hosted = run.worker("three")
    assert hosted.process.stdin is not None
    hosted.process.stdin.close()
    assert nothing_left(hosted)


def test_it_ends_where_nobody_says_that_he_is_there(run: Run) -> None:
    """A machine that lost its power closes no connection."""
    assert nothing_left(run.worker("four", IMPATIENT))


def test_it_ends_with_its_scheduler() -> None:
    with a_run() as short:
        hosted = short.worker("one")
        short.scheduler.kill()
        assert nothing_left(hosted)


def test_its_shards_end_with_it_even_when_it_is_killed(tmp_path: Path) -> None:
    with a_run() as short:
        hosted = short.worker("one")
        found: list[int] = []

        def act(_: int, event: dict[str, object]) -> None:
            if event["event"] == "second" and not found:
                found.extend(children(hosted.process.pid))
                hosted.process.kill()

        ended = load("--rate=30", "--duration=4s", *short.files(tmp_path), act=act)
    assert ended.code == INVALID
    assert "(worker one) was lost (" in ended.summary["reason"]
    end = time.monotonic() + 20
    while not all(gone(process) for process in found) and time.monotonic() < end:
        time.sleep(0.1)
    assert found
    assert [gone(process) for process in found] == [True] * len(found)
