"""The loader as a child process: its timing must not depend on what this process is busy with."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pipeline.base.child import tied
from pipeline.base.errors import LoadError
from pipeline.base.places import ISOLATED
from pipeline.base.text import last_line

__all__ = ["Loader"]

_LEAST_FREE_BYTES: Final = 100_000
_STOP_SECONDS: Final = 8
_START_SECONDS: Final = 15
_PRIORITY: Final = -10  # of setpriority(2)


class Loader:
    """One `python -m loadgen` for the whole run.

    `arguments` are loadgen's own (see `python -m loadgen --help`); its messages go to `log`.
    """

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        self._arguments = [sys.executable, *ISOLATED, "-m", "loadgen", *arguments, "--events"]
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self.summary: Mapping[str, Any] | None = None

    async def start(self) -> float:
        """Start it; gives t0, the Unix time of its first request. Raises LoadError when it does not start."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *tied(self._arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches it through `stop`, which lets it write its files whole
            )
        # Beside busy neighbours, answers without an end take up its share of a processor, and it would be late.
        with contextlib.suppress(OSError):  # only root may
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _PRIORITY)
        try:
            async with asyncio.timeout(_START_SECONDS):
                event = await self._next()
        except TimeoutError:
            event = None
        except BaseException:  # Ctrl-C
            await self.stop()
            raise
        if event is None or event.get("event") != "start":
            await self.stop()
            raise LoadError(f"the loader did not start: {self._last_logged()}", hint=f"see {self._log}")
        return float(event["t0_unix"])

    async def events(self) -> AsyncIterator[Mapping[str, Any]]:
        """Its report of each second, until it ends. Raises LoadError when it ends without its summary."""
        while (event := await self._next()) is not None:
            if event["event"] == "end":
                self.summary = event["summary"]
                break
            yield event
        if self.summary is None:
            raise LoadError(f"the loader stopped: {self._last_logged()}", hint=f"see {self._log}")
        await self._wait()

    async def stop(self) -> None:
        """End it early, letting it write its files whole; safe to call at any time."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                while (event := await self._next()) is not None:
                    if event["event"] == "end":
                        self.summary = event["summary"]
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _wait(self) -> None:
        assert self._process is not None  # noqa: S101 - events() runs after start()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _next(self) -> dict[str, Any] | None:
        assert self._process is not None  # noqa: S101 - set in start()
        assert self._process.stdout is not None  # noqa: S101 - piped there
        line = await self._process.stdout.readline()
        if not line:
            return None
        event: dict[str, Any] = json.loads(line)
        return event

    def _last_logged(self) -> str:
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        # The same disk holds its log: a full one leaves no word of why it stopped.
        full = shutil.disk_usage(self._log.parent).free < _LEAST_FREE_BYTES
        return last_line(text, f"{self._log}: {os.strerror(errno.ENOSPC)}" if full else "it said nothing")
