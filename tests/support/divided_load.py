"""Runs `python -m loadgen` as a child against a server of the test, and acts on its shards meanwhile."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import chain, repeat
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web

__all__ = ["Ended", "children", "gone", "load", "rows"]

Act = Callable[[int, dict[str, Any]], object]


class Ended(NamedTuple):
    """A run of the loader; `asked` are the paths that the server was asked for."""

    code: int
    events: list[dict[str, Any]]
    errors: str
    asked: list[str]

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = self.events[-1]["summary"]
        return summary


@asynccontextmanager
async def _serving(asked: list[str], sleeps: Iterator[float]) -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        await asyncio.sleep(next(sleeps))
        return web.Response(text="hello", headers={"X-Served-By": "blue"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def load(*options: str, act: Act | None = None, sleeps: Iterable[float] = ()) -> Ended:
    """What it did; `act` gets its id and each event. The server takes these `sleeps`, then none, in seconds."""

    async def go() -> Ended:
        asked: list[str] = []
        async with _serving(asked, chain(sleeps, repeat(0.0))) as url:
            child = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-m",
                    "loadgen",
                    url,
                    "--events",
                    "--max-lateness=60s",
                    "--timeout=30s",
                    *options,
                ),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=1 << 22,
            )
            assert child.stdout is not None
            assert child.stderr is not None
            events = []
            try:
                async for line in child.stdout:
                    events.append(json.loads(line))
                    if act is not None:
                        act(child.pid, events[-1])
                errors = (await child.stderr.read()).decode()
                return Ended(await child.wait(), events, errors, asked)
            finally:
                if child.returncode is None:
                    child.kill()
                    await child.wait()

    return asyncio.run(go())


def children(parent: int) -> list[int]:
    """The ids of a process's children, whichever of its threads started them, the oldest first."""
    found = (path.read_text().split() for path in Path(f"/proc/{parent}/task").glob("*/children"))
    return sorted(int(word) for words in found for word in words)


def gone(process: int) -> bool:
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
