"""How a run ends: what is written, said and raised by where the proxy says it is. Real proxies: tests/lab."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Final

import pytest
from rich.console import Console

from pipeline.base.console import Progress
from pipeline.base.errors import HostError
from pipeline.canary import ending as module
from pipeline.canary.ending import Ending
from pipeline.canary.in_progress import RunInProgress
from pipeline.canary.plan import Plan, Settings
from pipeline.canary.profile_file import load_profile
from pipeline.inventory.hosts import Host, Inventory
from pipeline.judge.verdict import Outcome, Verdict
from pipeline.runs.record import Record
from pipeline.runs.settled import Settled
from pipeline.source.repository import Commit

INVENTORY: Final = Inventory({"proxy": (Host("proxy", "192.0.2.1", 22, "me", None),)})
COMMIT: Final = Commit("master", "c" * 40, "One", "2026-11-30")
PASSED: Final = Verdict(Outcome.PASSED, 100.0, 75.0, (), (), ())


class Scene:
    """A run on hosts of the user's, whose proxy answers as `answers` say, by the colour that it is to have."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, answers: dict[str, Settled]) -> None:
        self.path, self.asked, self.told = path, list[str](), io.StringIO()

        def settle(_inventory: Inventory, _known_hosts: Path, colour: str) -> Settled:
            self.asked.append(colour)
            return answers[colour]

        monkeypatch.setattr(module, "settle", settle)
        record = Record.from_dict({"format": 1, "settings": {"inventory": "hosts.ini"}}, path / "run.json")
        progress = Progress()
        progress.console = Console(file=self.told, width=200)
        settings = Settings("master", "master", inventory=Path("hosts.ini"))
        source: Any = None  # nothing is deployed here
        plan = Plan(settings, load_profile("preview"), source, COMMIT, COMMIT, INVENTORY)
        self.ending = Ending(plan, RunInProgress(path, record), progress)

    def end(self, verdict: Verdict | None = None) -> dict[str, Any]:
        self.ending.verdict = verdict
        self.ending.settle(INVENTORY, self.path)
        self.ending.close()
        record: dict[str, Any] = json.loads((self.path / "run.json").read_text())
        return record


BLUE: Final = Settled("blue", "blue")
GREEN: Final = Settled("green", "green")
STUCK: Final = Settled("blue", "green", "no answer")


def test_a_pass_is_promoted_and_all_else_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(tmp_path, monkeypatch, {"blue": BLUE, "green": GREEN})
    assert scene.end(PASSED)["promoted"] is True
    assert scene.ending.not_promoted() is None
    scene = Scene(tmp_path, monkeypatch, {"blue": BLUE, "green": GREEN})
    assert scene.end()["promoted"] is False
    assert "the proxy is on blue" in scene.told.getvalue()


def test_a_proxy_that_stays_where_it_is_comes_first_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(tmp_path, monkeypatch, {"blue": STUCK})
    record = scene.end()
    assert (record["promoted"], record["proxy"]["colour"]) == (None, "green")
    for error in (scene.ending.interrupted(), scene.ending.told(HostError("blue", "is gone"))):
        trouble = "the proxy is on green: it could not be put on blue: no answer"
        assert error.message in (
            f"{trouble}; interrupted before anything was measured",
            f"{trouble}; blue: is gone",
        )
        assert error.hint == "pipeline canary rollback -i hosts.ini"


def test_what_ended_the_run_and_keeps_the_proxy_where_it_is_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = "proxy: HAProxy's runtime API does not answer"
    scene = Scene(tmp_path, monkeypatch, {"blue": Settled("blue", None, f"{silent}: Connection refused")})
    scene.end()
    error = scene.ending.told(HostError("proxy", "HAProxy's runtime API does not answer: Connection lost"))
    said = f"it could not be put on blue: {silent}: Connection refused"
    assert error.message == f"where the proxy sends traffic is not known: {said}"


def test_a_proxy_that_was_never_reached_is_no_trouble_of_this_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was done there; that its host refuses SSH is told by the error that ended the run."""
    scene = Scene(tmp_path, monkeypatch, {"blue": Settled("blue", None, "Permission denied")})
    scene.ending.untouched = True
    record = scene.end()
    assert (record["promoted"], record["proxy"]["colour"]) == (None, None)
    assert scene.ending.told(HostError("proxy", "refuses SSH")).message == "proxy: refuses SSH"
    assert "the proxy" not in scene.told.getvalue()


def test_an_interruption_says_where_the_proxy_and_the_samples_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(tmp_path, monkeypatch, {"blue": BLUE})
    scene.end()
    assert (
        scene.ending.interrupted().message == "interrupted before anything was measured; the proxy is on blue"
    )
    (tmp_path / "requests.csv").write_text("")
    error = scene.ending.interrupted()
    assert error.message == f"interrupted; the proxy is on blue; what was measured is in {tmp_path}"
    assert error.hint == f"pipeline judge {tmp_path}"


def test_a_promotion_that_fails_is_an_error_and_the_baseline_has_the_traffic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Settled("green", None, "connection closed")
    scene = Scene(tmp_path, monkeypatch, {"blue": BLUE, "green": failed})
    assert scene.end(PASSED)["promoted"] is False
    assert scene.asked == ["green", "blue"]
    error = scene.ending.not_promoted()
    assert error is not None
    said = (
        "the canary passed, but the proxy could not be put on green: connection closed; the proxy is on blue"
    )
    assert (error.message, error.hint) == (said, "pipeline canary promote -i hosts.ini")


def test_what_cannot_be_written_is_told_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(tmp_path / "gone", monkeypatch, {"blue": BLUE})
    scene.ending.settle(INVENTORY, tmp_path)
    scene.ending.close()
    assert scene.told.getvalue().count("run.json could not be written: No such file") == 1
    assert scene.ending.settled == BLUE
