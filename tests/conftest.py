"""What all tests share: how commands begin; and the canary's hosts, which tests/lab and tests/faults boot once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped] # pytest-xdist publishes no types
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # nor here

from pipeline.lab.lab import Lab
from pipeline.lab.sets import CANARY
from pipeline.source.sample import make_sample_repository


def pytest_configure() -> None:
    """The commands under test begin as at a terminal, also where the tests themselves are a CI's job.

    Under nohup, or behind a shell's "&", as under many a CI's runner, SIGHUP or SIGINT is ignored, and every child
    would be born so; a handler of one's own is not handed down. In a job of GitHub's a verdict has annotations. Lines
    are broken at the terminal's width.
    """
    os.environ.pop("GITHUB_ACTIONS", None)
    os.environ["COLUMNS"] = "120"
    if threading.current_thread() is threading.main_thread():
        for number, handler in (
            (signal.SIGHUP, lambda *_: None),
            (signal.SIGINT, signal.default_int_handler),
        ):
            if signal.getsignal(number) is signal.SIG_IGN:
                signal.signal(number, handler)


# Which lab tests do not touch this checkout's three hosts: they need those of production, or boot their own.
ELSEWHERE = ("tests/lab/production/", "tests/lab/test_another_checkout.py", "tests/lab/test_canary_cloud.py")


class OneProcessForEachSetOfHosts(LoadScopeScheduling):  # type: ignore[misc] # a class without types
    """Tests that share hosts run in one process, one after the other: the canary's hosts, and all others.

    The two know nothing of each other, so two processes halve the time.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "elsewhere" if nodeid.startswith(ELSEWHERE) else "canary"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """With `--dist loadscope`, as `make test` runs the tests on real hosts."""
    return OneProcessForEachSetOfHosts(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The canary's hosts."""
    from tests.support.lab import lab_up  # testinfra, which no unit test waits for

    yield from lab_up(CANARY)


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled sample as a git repository: a branch for each fault."""
    return make_sample_repository(tmp_path_factory.mktemp("sample") / "preview")
