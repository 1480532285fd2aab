"""`pipeline canary --watch`: a page on this machine only, from a process of its own that ends with the run."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

import tests.support.report_samples as samples
from pipeline.base.errors import EnvironmentError_, Exit
from pipeline.canary.watch import Watch
from pipeline.cli.root import run
from tests.support.browser import browser, chromium
from tests.support.canary_stage import PHASES, RATE, Stage

REPORT = '<!doctype html><title>report</title><link rel="icon" href="data:,"><h1>The canary passed</h1>'


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    directory = tmp_path / "run"
    directory.mkdir()
    settings = {"schedule": "phased", "rate": RATE, "duration": 10}
    phases = [phase.to_dict() for phase in PHASES]
    record = samples.run(settings=settings, phases=phases, under_way=True)
    (directory / "run.json").write_text(json.dumps(record))
    return Stage(directory)


@pytest.fixture
def watch(stage: Stage) -> Iterator[Watch]:
    with Watch() as watch:
        watch.begin(stage.path)
        yield watch


def test_the_page_is_there_and_its_state_follows_the_samples(stage: Stage, watch: Watch) -> None:
    assert "Canary under way" in requests.get(watch.url, timeout=30).text
    stage.requests(0, 16)
    answer = requests.get(f"{watch.url}state", timeout=30)
    assert answer.headers["X-Run"] == "under way"
    assert answer.headers["Cache-Control"] == "no-store"


def test_it_listens_on_this_machine_only_and_answers_to_no_other_name(watch: Watch) -> None:
    """A page of somebody else's, whose name was made to mean 127.0.0.1, reads nothing here."""
    assert watch.url.startswith("http://127.0.0.1:")
    answer = requests.get(watch.url, headers={"Host": "evil.example"}, timeout=30)
    assert answer.status_code == 403
    assert requests.get(f"{watch.url}../run.json", timeout=30).status_code == 404
    assert requests.post(watch.url, timeout=30).status_code == 501


def test_when_the_run_is_over_its_report_is_shown_and_then_the_server_ends(
    stage: Stage, watch: Watch
) -> None:
    requests.get(watch.url, timeout=30)
    (stage.path / "report.html").write_text(REPORT)
    assert requests.get(f"{watch.url}state", timeout=30).headers["X-Run"] == "over"
    assert requests.get(f"{watch.url}report", timeout=30).text == REPORT
    assert watch.finish() == 0


def test_a_run_that_breaks_off_ends_it_at_once(stage: Stage) -> None:
    with Watch() as watch:
        watch.begin(stage.path)
        requests.get(watch.url, timeout=30)
        url = watch.url
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(
            EnvironmentError_, match=f"127.0.0.1:{port} cannot be used: Address already in use"
        ):
            Watch(port)
    assert run(["canary", "a", "b", "--watch-port", "0"]) == Exit.USAGE
    assert "--watch-port" in capsys.readouterr().err


@pytest.mark.skipif(chromium() is None, reason="a browser is needed: bootstrap/setup.sh test")
def test_a_browser_sees_the_run_grow_and_then_its_report(stage: Stage, watch: Watch, tmp_path: Path) -> None:
    async def look() -> None:
        async with browser(tmp_path / "profile") as tab:
            await tab.see(390, 900)
            await tab.open(watch.url)
            stage.requests(0, 16)
            await tab.until("document.body.innerText.includes('Load on canary: 8 s left')")
            assert await tab.evaluate("document.documentElement.scrollWidth") == 390
            (stage.path / "report.html").write_text(REPORT)
            await tab.until("document.body?.innerText.includes('The canary passed')")
            assert tab.problems == []

    asyncio.run(look())
