"""The dashboard's page, opened in one browser on one monitor after another."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from tests.support.browser import Page
from tests.support.fake_prometheus import Monitor

__all__ = ["Stage"]

_READ: Final = "!document.getElementById('freshness').textContent.includes('not read')"


class Stage:
    """One browser for all tests; a page server for each."""

    def __init__(self, page: Page, runner: asyncio.Runner) -> None:
        self.page = page
        self.run = runner.run

    def show(
        self,
        monitor: Monitor,
        then: Coroutine[Any, Any, None],
        query: str = "",
        width: int = 1440,
        height: int = 4000,
    ) -> None:
        """Open the page on `monitor`, wait until it was read, and go on with `then`.

        The usual height has all charts in view of two applications, each on a host of its own.
        """

        async def all_of_it() -> None:
            try:
                async with monitor.serving():
                    await self.page.see(width, height)
                    await self.page.open(f"{monitor.address}{query}")
                    await self.page.until(f"{_READ} || !document.getElementById('trouble').hidden")
                    await then
                    # What it would still ask of a server that is gone is no problem of the next test.
                    await self.page.open("about:blank")
            finally:
                then.close()

        self.run(all_of_it())
