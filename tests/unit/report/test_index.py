"""The page of all runs: the newest first, each linked to its report, inert whatever their names are."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from pipeline.judge.verdict import Outcome
from pipeline.report.index import index
from pipeline.runs.history import past_runs
from tests.support.past_run import past_run

INJECTION = "</p><script>alert(1)</script><img src=https://evil.example/x>"


def test_the_newest_run_comes_first_with_its_verdict_versions_and_what_to_do(tmp_path: Path) -> None:
    past_run(tmp_path, "one", 1, Outcome.FAILED)
    past_run(tmp_path, "two", 2, Outcome.PASSED, promoted=True)
    past_run(tmp_path, "three", 3, None)
    page = index(past_runs(tmp_path), tmp_path / "index.html")
    assert re.findall(r'<li class="(\w*)">', page) == ["", "passed", "failed"]
    assert "Do not promote: 3,000 of 3,000 requests fail" in page
    assert "2026-11-03 10:00 UTC" in page
    assert "It has no verdict: pipeline judge" in page
    assert page.count("promoted</small>") == 1


def test_a_report_that_is_there_is_linked_relative_to_the_page_and_no_other(tmp_path: Path) -> None:
    odd = 'a "b" #1 ?x'
    for name in ("one", odd):
        past_run(tmp_path / "runs", name, 1)
    (tmp_path / "runs" / odd / "report.html").write_text("")
    page = index(past_runs(tmp_path / "runs"), tmp_path / "index.html")
    (link,) = re.findall(r'href="(?!data:)([^"]+)"', page)
    assert (tmp_path / unquote(unescape(link))).samefile(tmp_path / "runs" / odd / "report.html")


def test_names_of_others_are_inert_text(tmp_path: Path) -> None:
    version = {"ref": INJECTION, "sha": INJECTION, "subject": INJECTION}
    past_run(tmp_path, "one", 1, baseline=version, canary=version, profile={"name": INJECTION})
    page = index(past_runs(tmp_path), tmp_path / "index.html")
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 2
    assert "default-src &#39;none&#39;" in page
    assert "script-src" not in page


def test_the_service_is_named_where_there_are_several(tmp_path: Path) -> None:
    past_run(tmp_path, "one", 1, profile={"name": "billing"})
    assert "billing" not in index(past_runs(tmp_path), tmp_path / "index.html")
    past_run(tmp_path, "two", 2, profile={"name": "search"})
    page = index(past_runs(tmp_path), tmp_path / "index.html")
    assert "billing" in page
    assert "search" in page
