"""Shards that the workers of a Dask cluster send, one each.

Dask runs a task again when its worker is gone: later, and so as a burst of all that was due meanwhile. Therefore each
shard is tied to its worker, is never tried again, is withdrawn as soon as its worker is missed, and refuses to begin
after its start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from distributed import Client, Queue, Security, Variable, wait
from distributed.versions import VersionMismatchWarning

from loadgen.plan import Plan
from loadgen.relay import Clock, relay
from loadgen.shard import Ended, Failed, Message, Order, ShardError, frame, opened

__all__ = ["DaskWorkers"]

_CONNECT_SECONDS: Final = 10
_ASKED: Final = 15  # times for the clock: the quickest answer says it best
_BEAT_SECONDS: Final = 1.0
_ENDS_SECONDS: Final = 3.0
_MOST_UNCERTAIN: Final = 0.1  # seconds; with more, the shards would not keep to one schedule
_MISSING: Final = "install the loader there, too: pip install 'pipeline-canary[loader-dask]'"


class DaskWorkers:
    """See Shards. `address` is the scheduler's; `plan` is divided among all its workers.

    `tls` are the files of the authority, of this side's certificate and of its key; None: as Dask is configured.
    """

    lead = 2.0

    def __init__(
        self, address: str, plan: Plan, *, first: bool, rows: bool, tls: tuple[Path, Path, Path] | None = None
    ) -> None:
        self._address = address
        self._tls = tls
        self._plan = plan
        self._first = first
        self._rows = rows
        self.where: Sequence[str] = ()
        self._workers: list[str] = []
        self._clocks: list[Clock] = []
        self._futures: list[Any] = []
        self._over: set[int] = set()
        self._waiting: asyncio.Queue[tuple[int, Message]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._orders = {"start": 0.0, "stops": 0, "over": 0, "beat": 0}

    async def __aenter__(self) -> DaskWorkers:
        # What they tell is told here in one line; and numpy, whose version it compares, is not used.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        warnings.filterwarnings("ignore", category=VersionMismatchWarning)
        try:
            self._client = await Client(
                self._address, asynchronous=True, timeout=_CONNECT_SECONDS, security=self._security()
            )
        except (OSError, ValueError) as problem:
            raise ShardError(f"no Dask scheduler at {self._address}: {problem}") from None
        try:
            await self._prepare()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    def _security(self) -> Any:
        if self._tls is not None:
            ca, cert, key = map(str, self._tls)
            return Security(require_encryption=True, tls_ca_file=ca, tls_client_cert=cert, tls_client_key=key)
        configured = Security()
        if self._address.startswith("tls://") and not configured.tls_client_cert:
            raise ShardError(
                f"no certificates for {self._address}: give --dask-ca, --dask-cert and --dask-key"
            )
        return configured

    async def _prepare(self) -> None:
        known = await self._client.scheduler.identity()
        names = {worker: str(facts["name"]) for worker, facts in known["workers"].items()}
        self._workers = sorted(names, key=lambda worker: (names[worker], worker))
        count = len(self._workers)
        if not count:
            raise ShardError(
                f"the Dask cluster at {self._address} has no worker: start one with `dask worker`"
            )
        self.where = [f"worker {names[worker]}" for worker in self._workers]
        for name, things in (("users", self._plan.users), ("connections", self._plan.connections)):
            if 0 < things < count:
                raise ShardError(f"{count} workers and {things} {name}: each worker needs one of them")
        self._clocks = [
            await self._clock(worker, called)
            for worker, called in zip(self._workers, self.where, strict=True)
        ]
        name = f"loadgen-{uuid.uuid4().hex}"
        self._said = await Queue(f"{name}-said", client=self._client)
        self._told = Variable(f"{name}-told", client=self._client)
        await self._told.set(self._orders)
        for number, plan in enumerate(self._plan.divided(count)):
            self._futures.append(
                self._client.submit(
                    relay,
                    number,
                    frame(Order(plan, self._first, self._rows)),
                    self._said.name,
                    self._told.name,
                    self._clocks[number],
                    key=f"{name}-{number}",
                    workers=[self._workers[number]],
                    allow_other_workers=False,
                    retries=0,
                    pure=False,
                )
            )
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]

    async def _clock(self, worker: str, called: str) -> Clock:
        """How a worker's clock stands against this one's."""
        found = []
        for _ in range(_ASKED):
            asked = time.time()
            theirs = (await self._client.run(time.time, workers=[worker]))[worker]
            answered = time.time()
            found.append(Clock(theirs - (asked + answered) / 2, (answered - asked) / 2))
        best = min(found, key=lambda clock: clock.to_within)
        if best.to_within > _MOST_UNCERTAIN:
            raise ShardError(
                f"{called} takes {2000 * best.to_within:.0f} ms to say its time, so its clock is not known"
            )
        return best

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_ENDS_SECONDS):
                if self._futures:
                    self._orders["over"] = 1
                    await self._told.set(self._orders)
                    if self._going:
                        await wait([self._futures[number] for number in self._going])
                    await self._client.cancel(self._futures, force=True)
                    self._told.delete()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_ENDS_SECONDS):
                await self._client.close()

    async def next(self) -> tuple[int, Message]:
        return await self._waiting.get()

    async def begin(self, start_at: float) -> None:
        self._orders["start"] = start_at
        await self._told.set(self._orders)

    async def stop(self) -> None:
        self._orders["stops"] += 1
        await self._told.set(self._orders)

    def facts(self, number: int) -> dict[str, object]:
        clock = self._clocks[number]
        return {
            "clock_ahead_ms": round(clock.ahead * 1000, 3),
            "clock_to_within_ms": round(clock.to_within * 1000, 3),
        }

    @property
    def _going(self) -> list[int]:
        """The shards of which something is to be expected."""
        return [number for number in range(len(self._futures)) if number not in self._over]

    def _hear(self, number: int, message: Message) -> None:
        if number in self._over:
            return
        if isinstance(message, Ended | Failed):
            self._over.add(number)
        self._waiting.put_nowait((number, message))

    async def _listen(self) -> None:
        while True:
            try:
                number, *frames = await self._said.get()
            except OSError:
                self._end_all("the scheduler is gone")
                return
            for data in frames:
                self._hear(number, opened(data))

    async def _watch(self) -> None:
        """Says that somebody is here, and finds workers that are not."""
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            self._orders["beat"] += 1
            try:
                await self._told.set(self._orders)
                there = await self._client.nthreads()
            except OSError:
                self._end_all("the scheduler is gone")
                return
            for number in self._going:
                worker, future = self._workers[number], self._futures[number]
                if worker not in there:
                    self._hear(number, Failed("its worker is gone"))
                    await self._client.cancel([future], force=True)  # so that it is not run again
                elif future.status == "error":
                    self._hear(number, Failed(_why(await future.exception())))

    def _end_all(self, why: str) -> None:
        for number in self._going:
            self._hear(number, Failed(why))


def _why(problem: BaseException) -> str:
    said = " ".join(f"{type(problem).__name__}: {problem}".split())[:200]
    return f"{said}; {_MISSING}" if isinstance(problem, ImportError) else said
