"""What the user sees while a command works: lines of progress, and on a terminal one that moves. On stderr."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console, RenderableType
from rich.live import Live
from rich.status import Status
from rich.text import Text

from pipeline.base.mask import hide
from pipeline.base.text import printable

__all__ = ["Progress", "Steps"]

_TOLD_AFTER: Final = 2.0  # seconds that an operation lasts before it has a line where there is no terminal


class Progress:
    """Lines with the seconds since the start, each a step of the command."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, highlight=False, quiet=quiet)
        self._began = time.monotonic()
        self._status: Status | None = None

    def say(self, message: str) -> None:
        """A line of progress, with the seconds since the start."""
        self.end()
        # Text, not str: what comes from refs, hosts and services must not be read as markup
        self.console.print(
            Text.assemble((f"{time.monotonic() - self._began:6.1f}s  ", "dim"), printable(hide(message))),
            soft_wrap=True,
        )

    def detail(self, message: str) -> None:
        """What a step is at just now: a moving line on a terminal, until the next `say`; nothing elsewhere."""
        if not self.console.is_terminal:
            return
        if self._status is None:
            self._status = self.console.status("")
            self._status.start()
        self._status.update(Text(printable(hide(message))))

    def end(self) -> None:
        """Take the moving line away, before a question or the result."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    @contextmanager
    def loading(self) -> Iterator[Callable[[RenderableType], None] | None]:
        """A block that stays in place: gives what replaces its content, None where there is no terminal."""
        if not self.console.is_terminal:
            yield None
            return
        with Live(console=self.console, transient=True, refresh_per_second=4, redirect_stdout=False) as live:
            yield live.update


class Steps:
    """What a deploy is at: a moving line on a terminal, elsewhere a line for each operation that lasts.

    `host` is the name that the lines begin with.
    """

    def __init__(self, progress: Progress, host: str) -> None:
        self._progress, self._host = progress, host
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Steps:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self, operation: str) -> None:
        """The next operation has begun."""
        self.end()
        text = f"{self._host}: {operation}"
        if self._progress.console.is_terminal:
            self._progress.detail(text)
            return
        self._timer = threading.Timer(_TOLD_AFTER, self._progress.say, [f"  {text}"])
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """The operation has ended."""
        if self._timer is not None:
            self._timer.cancel()
