"""The process of one shard: an order on standard input, messages on standard output. Ends when its input does.

After the order comes the time of the start as a message, then a byte for each stop. Input ends when the parent does,
however that came about; then nobody wants to know, and nothing is sent any more.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import uvloop

from loadgen.arguments import check_connections
from loadgen.histograms import percentiles
from loadgen.progress import Progress
from loadgen.result import Result
from loadgen.sending import Sending
from loadgen.shard import HEADER, Ended, Failed, Message, Order, Ready, Rows, Second, frame, version
from loadgen.stats import Stats

__all__ = ["command", "main"]

_BATCH: Final = 64  # rows that are sent at once: few enough that nothing waits for it


def command() -> list[str]:
    """Starts this with the code of the calling process, whatever the working directory holds."""
    here = str(Path(__file__).resolve().parent.parent)
    code = "import sys; sys.path.insert(0, sys.argv[1]); from loadgen.child import main; main()"
    return [sys.executable, "-P", "-c", code, here]


def main() -> None:
    """Reads the order, does it, and says what came of it."""
    # Ctrl-C reaches all of a terminal: the parent says what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever prints must not print among the messages
    try:
        order: Order = _read(sys.stdin.fileno())
        check_connections(order.plan.connections, phases=min(2, 1 + len(order.plan.phase_ends)))
        _write(out, Ready(version()))
        start_at: float = _read(sys.stdin.fileno())
        late = time.time() - start_at
        if late > 0:  # it would send in a burst what was due meanwhile
            raise _RefusedError(f"heard of the start {late:.1f} s after it")
        run = asyncio.run if order.plan.url.startswith("https:") else uvloop.run  # see cli.py
        run(_send(order, start_at, out))
    except EOFError:
        sys.exit(1)
    except click.ClickException as problem:
        _write(out, Failed(problem.message))
    except _RefusedError as problem:
        _write(out, Failed(str(problem)))


class _RefusedError(Exception):
    """It does not begin; says why."""


def _read(file: int) -> Any:
    """One message of the parent's, and no byte more. Raises EOFError: there is no parent."""
    (size,) = HEADER.unpack(_exactly(file, HEADER.size))
    return pickle.loads(_exactly(file, size))  # noqa: S301 # of the process that started this one


def _exactly(file: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = os.read(file, size - len(data))
        if not more:
            raise EOFError
        data += more
    return bytes(data)


def _write(out: int, message: Message) -> None:
    with os.fdopen(out, "wb", closefd=False) as stream:
        stream.write(frame(message))


async def _send(order: Order, start_at: float, out: int) -> None:
    loop = asyncio.get_running_loop()
    pipe = _Pipe()
    transport, _ = await loop.connect_write_pipe(lambda: pipe, os.fdopen(out, "wb"))
    observer = _Observer(order, lambda message: transport.write(frame(message)))
    sending = Sending(order.plan, observer)

    def heard() -> None:
        said = os.read(sys.stdin.fileno(), 16)
        if not said:
            os._exit(1)
        for _ in said:
            sending.stop()

    loop.add_reader(sys.stdin.fileno(), heard)
    sent = await sending.run(start_at=start_at, first=order.first)
    loop.remove_reader(sys.stdin.fileno())
    observer.ended(sent.elapsed, sent.progress)
    stats = observer.stats
    ended = Ended(
        sent.elapsed,
        sent.progress,
        sent.used,
        sent.scheduling,
        stats.why_invalid(sent.progress, sent.elapsed, sent.used),
        percentiles(stats.whole.lateness),
    )
    transport.write(frame(ended))
    transport.close()
    await pipe.closed.wait()


class _Pipe(asyncio.BaseProtocol):
    """Knows when all is written, or nobody reads any more."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 # the interface's
        self.closed.set()


class _Observer:
    """Counts, and says each second what it counted."""

    def __init__(self, order: Order, say: Callable[[Message], None]) -> None:
        self.stats = Stats(order.plan)
        self._say = say
        self._wants_rows = order.rows
        self._rows: list[Result] = []
        self._t0 = 0.0

    def started(self, t0_unix: float, t0: float) -> None:  # noqa: ARG002 # the interface's
        self._t0 = t0

    def add(self, result: Result) -> None:
        self.stats.add(result)
        if self._wants_rows:
            self._rows.append(result)
            if len(self._rows) >= _BATCH:
                self._say_rows()

    def second(self, t: float, progress: Progress, busy: float) -> None:
        self._say_rows()
        self._say(Second(t, self.stats.take(progress, busy), progress))

    def ended(self, t: float, progress: Progress) -> None:
        self.second(t, progress, busy=0.0)

    def _say_rows(self) -> None:
        if self._rows:
            rows, self._rows = self._rows, []
            self._say(Rows.of(rows, self._t0))
