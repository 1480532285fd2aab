"""A proxy that is on another version than it was told, as after a restart or a promotion by hand."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from pipeline.canary.drive import Measurement, drive_load
from pipeline.runs.phases import Phase
from tests.support.fake_haproxy import FakeProxy

SECOND: dict[str, Any] = {
    **{
        "t": 1.0,
        "status": {"200": 9},
        "wrong_bodies": 0,
        "errors": 0,
        "completed": 9,
        "good_by": {"blue": 9},
        "served_by": {"blue": 9},
    },
    **{"errors_by_kind": {}, "examples": {}},
}


class Loading:
    """A loader under which all is well."""

    summary = None

    async def start(self) -> float:
        return time.time()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        for _ in range(200):
            yield SECOND
            await asyncio.sleep(0.1)
        raise AssertionError("the run went on")

    async def stop(self) -> None:
        pass


async def forever(*_: object) -> None:
    await asyncio.Event().wait()


def test_the_run_ends_as_invalid_and_the_error_says_where_the_proxy_is() -> None:
    haproxy = FakeProxy()
    setup: Any = SimpleNamespace(
        loader=Loading(),
        phases=[Phase("baseline", "measure", 0, 300), Phase("canary", "measure", 300, 600)],
        proxy=haproxy.proxy,
        collector=SimpleNamespace(run=forever, latest={}, missed={}),
        connections={},
        expected_status=(200,),
        share=None,
        early_stop=SimpleNamespace(run=forever, so_far="", forecast="", end=None),
        display=SimpleNamespace(shown=contextlib.nullcontext, second=lambda _: None),
        network=None,
        unanswered={},
    )
    asyncio.run(haproxy.proxy.switch("blue"))
    haproxy.maps["/etc/haproxy/active.map"]["active"] = "green"
    measurement = Measurement()
    asyncio.run(drive_load(setup, measurement))
    assert measurement.problem is not None
    assert measurement.problem.effect == "invalid"
    assert "HAProxy is on green, not on blue as it was told" in measurement.problem.message
