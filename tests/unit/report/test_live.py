"""The page of a run that is under way: true to what is complete, and never an error of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import tests.support.report_samples as samples
from pipeline.report.live import LivePage
from tests.support.canary_stage import PHASES, RATE, Stage

INJECTION = "</script><script>alert(1)</script><img src=https://evil.example/x>"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A run under way, its phases known, without a sample yet."""
    stage = Stage(tmp_path)
    tell(tmp_path, phases=[phase.to_dict() for phase in PHASES])
    return stage


def tell(directory: Path, **changes: object) -> None:
    settings = {"schedule": "phased", "rate": RATE, "duration": 10}
    run = samples.run(settings=settings, under_way=True, **changes)
    (directory / "run.json").write_text(json.dumps(run))


def test_before_there_is_load_it_says_what_is_done_and_of_which_versions(tmp_path: Path) -> None:
    tell(tmp_path, phases=[])
    page = LivePage(tmp_path).whole()
    assert "no load yet" in page
    assert "canary broken against master" in page


def test_both_versions_figures_and_the_time_that_is_left_grow_with_the_samples(stage: Stage) -> None:
    page = LivePage(stage.path)
    stage.requests(0, 7)
    first = page.state()
    assert "Load on baseline: 5 s left, 17 s in all" in first
    assert "<b>0 failed</b> of 50 requests, median 6.04 ms" in first
    assert "<b>not measured yet</b> of 0 requests" in first
    stage.requests(7, 16)
    stage.requests(16, 17, status=500)
    second = page.state()
    assert "Load on canary: 7 s left<" in second
    assert "<b>10 failed</b> of 30 requests" in second
    assert second.count('<path class="line canary"') == 2


def test_it_ends_where_the_first_request_is_missing(stage: Stage) -> None:
    """A slow one has no row until it ends: beyond it only the fast ones are there, and all would look well."""
    stage.requests(0, 9, without=(5.0,))
    state = LivePage(stage.path).state()
    assert "Load on baseline: 7 s left" in state
    assert "of 30 requests" in state


def test_a_load_that_is_over_is_being_judged(stage: Stage) -> None:
    stage.requests(0, 24)
    assert "The load is over: judging" in LivePage(stage.path).state()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"phases": 3}', '{"phases": [{}], "settings": {"rate": 1}}']
)
def test_a_record_that_cannot_be_read_just_now_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    assert "<h1>Canary under way</h1>" in LivePage(tmp_path).state()
    (tmp_path / "run.json").unlink()
    assert "run.json cannot be read" in LivePage(tmp_path).state()


def test_names_of_others_are_inert_text_and_only_the_page_s_own_script_may_run(tmp_path: Path) -> None:
    version = {"ref": INJECTION, "sha": INJECTION, "subject": INJECTION}
    tell(tmp_path, phases=[], canary=version, baseline=version)
    page = LivePage(tmp_path).whole()
    assert len(re.findall(r"<script", page)) == 1
    assert "<img" not in page
    assert re.search(r"script-src &#39;sha256-.{44}&#39;; connect-src &#39;self&#39;", page)
