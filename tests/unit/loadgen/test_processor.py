"""A loader that the machine starves says so, and where it may it comes first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from loadgen.cli import INVALID
from loadgen.processor import NORMAL, REAL_TIME, Processor
from tests.support.keeping_server import serving

pytestmark = pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="Linux only")


def in_a_thread(act: Callable[[], None]) -> None:
    """How a thread is scheduled is its own."""
    problems: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as problem:
            problems.append(problem)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if problems:
        raise problems[0]


@pytest.mark.usefixtures("engine")
def test_a_starved_loader_says_that_it_had_no_processor() -> None:
    """For a second it gets a processor only where nobody else wants that, and somebody always does."""
    with serving() as server:
        command = (sys.executable, "-m", "loadgen", server.url, "--rate=20", "--duration=2s", "--events")
        loader = subprocess.Popen([*command, "--no-real-time", "--max-lateness=50ms"], stdout=subprocess.PIPE)
        hog = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        with loader, hog:
            try:
                assert loader.stdout is not None
                assert json.loads(loader.stdout.readline())["event"] == "start"
                for process in (loader, hog):
                    os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
                os.sched_setscheduler(loader.pid, os.SCHED_IDLE, os.sched_param(0))
                time.sleep(1)
                os.sched_setscheduler(loader.pid, os.SCHED_OTHER, os.sched_param(0))
                hog.kill()
                summary = json.loads(loader.stdout.read().splitlines()[-1])["summary"]
            finally:
                hog.kill()
    assert loader.returncode == INVALID
    assert summary["valid"] is False
    assert "it was ready and had no processor for" in summary["reason"]
    assert summary["cpu_wait_s"] > 0.1
    assert summary["scheduling"] == NORMAL


def test_a_thread_comes_first_where_that_is_permitted_and_is_told_what_it_got() -> None:
    def act() -> None:
        processor = Processor(first=True)
        got = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
        assert processor.scheduling == (REAL_TIME if got == os.SCHED_RR else NORMAL)
        processor.close()
        assert os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_OTHER

    in_a_thread(act)


def test_it_gives_way_once_it_uses_half_a_core() -> None:
    """The server may be on the same machine, and need it."""

    def act() -> None:
        processor = Processor(first=True)
        first = processor.scheduling
        began = time.thread_time()
        while time.thread_time() - began < 0.2:
            pass
        assert processor.busy() > 0.5
        assert os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_OTHER
        assert processor.scheduling.startswith(NORMAL)
        assert (REAL_TIME in processor.scheduling) is (first == REAL_TIME)
        processor.close()

    in_a_thread(act)
