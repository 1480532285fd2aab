"""Which client sends a plan's requests."""

from __future__ import annotations

from types import TracebackType

from loadgen.client import Client, TaskClient
from loadgen.plan import Plan
from loadgen.pool import Pool
from loadgen.send import Sender

__all__ = ["client_for", "engine_of", "only_aiohttp"]


class _Aiohttp(TaskClient):
    """The client of aiohttp."""

    def __init__(self, plan: Plan) -> None:
        self._sender = Sender(plan)
        super().__init__(self._sender)

    async def __aenter__(self) -> _Aiohttp:
        await self._sender.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        await self._sender.__aexit__(kind, error, trace)


def client_for(plan: Plan) -> Client:
    """The client of the plan's engine, to be entered."""
    return _Aiohttp(plan) if engine_of(plan) == "aiohttp" else Pool(plan)


def engine_of(plan: Plan) -> str:
    """The engine that the plan gets: "httptools" or "aiohttp".

    >>> engine_of(Plan("http://h/", 1, 1)), engine_of(Plan("http://h/", 1, 1, headers=(("Expect", "100-continue"),)))
    ('httptools', 'aiohttp')
    """
    if plan.engine != "auto":
        return plan.engine
    return "aiohttp" if only_aiohttp(plan) else "httptools"


def only_aiohttp(plan: Plan) -> str:
    """What of the plan only aiohttp does; else empty."""
    given = [plan.headers, *(template.headers for template in (plan.mix.templates if plan.mix else ()))]
    expects = any(name.lower() == "expect" for headers in given for name, _ in headers)
    return "a body that waits for 100 Continue (the header Expect)" if expects else ""
