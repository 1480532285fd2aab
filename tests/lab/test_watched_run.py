"""`pipeline canary --watch` on the real lab: what is seen while it runs, and what a CI server is left with."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests

from pipeline.base.errors import Exit
from tests.support.lab import Command, Ended
from tests.support.ports import free_port


@dataclass
class _Onlooker:
    """What a browser would have got, every other second, until the page's server had ended."""

    url: str
    states: list[str] = field(default_factory=list)
    report: str = ""

    def look(self, ended: threading.Event) -> None:
        while not ended.wait(1.0):
            try:
                answer = requests.get(f"{self.url}state", timeout=10)
                if answer.headers["X-Run"] == "over":
                    self.report = requests.get(f"{self.url}report", timeout=10).text
                    return
                self.states.append(answer.text)
            except requests.ConnectionError:
                continue  # not there yet


@dataclass(frozen=True)
class _Seen:
    ended: Ended
    onlooker: _Onlooker
    files: Path


@pytest.fixture(scope="module")
def seen(pipeline: Command, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> _Seen:
    """A broken canary, watched, with every file that there is for it."""
    files, port = tmp_path_factory.mktemp("files"), free_port()
    names = {"junit": "j.xml", "summary": "s.md", "html": "p.html", "json-file": "v.json"}
    onlooker, over = _Onlooker(f"http://127.0.0.1:{port}/"), threading.Event()
    thread = threading.Thread(target=onlooker.look, args=(over,))
    thread.start()
    try:
        ended = pipeline(
            *("canary", "master", "broken", "--repo", str(samples), "--duration", "14s", "--warmup", "3s"),
            *("--rate", "10"),
            *("--watch-port", str(port), *(f"--{option}={files / name}" for option, name in names.items())),
        )
    finally:
        over.set()
        thread.join()
    return _Seen(ended, onlooker, files)


def test_both_versions_are_seen_under_load_and_then_the_report(seen: _Seen) -> None:
    assert seen.ended.code == Exit.FAILED, seen.ended.err
    assert f"watch the run at {seen.onlooker.url}" in seen.ended.err
    assert any("Load on baseline: " in state for state in seen.onlooker.states)
    assert any(
        "Load on canary: " in state or "Warm-up of canary: " in state for state in seen.onlooker.states
    )
    assert "The canary failed" in seen.onlooker.report


def test_every_file_says_what_the_exit_code_says(seen: _Seen) -> None:
    verdict = json.loads((seen.files / "v.json").read_text())
    assert verdict["outcome"] == "failed"
    suite = ElementTree.parse(seen.files / "j.xml").getroot()[0]  # noqa: S314 - our own file
    assert int(suite.attrib["failures"]) >= 2
    said = verdict["headline"].removeprefix("do not promote: ")
    for name in ("s.md", "p.html", "j.xml"):
        assert said in (seen.files / name).read_text(), name
