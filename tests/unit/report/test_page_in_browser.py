"""The page as a browser shows it: no problem in its console, nothing wider than the screen."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import tests.support.report_samples as samples
from pipeline.judge.verdict import Outcome
from pipeline.report import html
from pipeline.runs.logs import LogLine
from pipeline.runs.record import Record
from tests.support.browser import browser, chromium

pytestmark = pytest.mark.skipif(chromium() is None, reason="a browser is needed: bootstrap/setup.sh test")


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.PASSED])
def test_nothing_is_wider_than_the_screen_and_charts_are_drawn(tmp_path: Path, outcome: Outcome) -> None:
    long = (LogLine("Error: " + "x" * 200, "deep/" * 12 + "preview.js:71", 10**9, "09:52:59", wrong=True),)
    run = samples.run(canary={"ref": "feature/" + "w" * 80, "sha": "a" * 40, "subject": "s" * 120})
    page = html.render(samples.verdict(outcome=outcome), Record.from_dict(run), samples.evidence(), log=long)
    (tmp_path / "report.html").write_text(page)

    async def look() -> None:
        async with browser(tmp_path / "profile") as tab:
            for width in (390, 1280):
                await tab.see(width, 900)
                await tab.open(f"file://{tmp_path / 'report.html'}")
                drawn = "document.querySelector('.picture path.line.canary')"
                assert await tab.evaluate(f"{drawn}.getBoundingClientRect().width") > 0.3 * (width - 100)
                await tab.evaluate(
                    "document.querySelectorAll('details').forEach((one) => { one.open = true })"
                )
                assert await tab.evaluate("document.documentElement.scrollWidth") == width
                assert tab.problems == []

    asyncio.run(look())
