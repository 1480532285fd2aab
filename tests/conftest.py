"""What all tests share: how they take SIGHUP; and the canary's hosts, which tests/lab and tests/faults boot once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from pipeline.lab.lab import Lab
from pipeline.lab.sets import CANARY
from pipeline.source.sample import make_sample_repository


def pytest_configure() -> None:
    """Under nohup, as under many a CI's runner, SIGHUP is ignored, and every child would be born so.

    A handler of one's own is not handed down: then the commands under test begin as at a terminal.
    """
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    if ignored and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGHUP, lambda *_: None)


HERE: Final = Path(__file__).parent
ON_HOSTS: Final = (HERE / "lab", HERE / "faults")


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share hosts are one group, which `--dist loadgroup` keeps in one process, one after the other.

    The canary's hosts and production's are two sets that know nothing of each other: two processes halve the time.
    """
    for item in items:
        if any(directory in item.path.parents for directory in ON_HOSTS):
            fixtures = getattr(item, "fixturenames", ())
            hosts = "production" if {"production_lab", "production_was_up"} & set(fixtures) else "canary"
            item.add_marker(pytest.mark.xdist_group(hosts))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The canary's hosts."""
    from tests.support.lab import lab_up  # testinfra, which no unit test waits for

    yield from lab_up(CANARY)


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled sample as a git repository: a branch for each fault."""
    return make_sample_repository(tmp_path_factory.mktemp("sample") / "preview")
