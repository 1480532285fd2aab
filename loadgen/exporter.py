"""What Prometheus reads of a run while it goes on."""

from __future__ import annotations

import bisect
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from loadgen.result import Result

__all__ = ["Exporter"]

_BOUNDS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)  # milliseconds, rising


class Exporter(Collector):
    """Counts results, and serves the counts at /metrics of `host` and `port` inside `async with serving()`.

    A record of the run, of which nothing stays, and a listener to its events. Raises OSError where it cannot listen.
    """

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        self._status: Counter[int] = Counter()
        self._errors: Counter[str] = Counter()
        self._wrong_bodies = self._bytes = 0
        self._buckets = [0] * (len(_BOUNDS) + 1)
        self._seconds = 0.0
        self._now: Mapping[str, Any] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def start(self, t0_unix: float, t0: float) -> None:
        pass

    def add(self, result: Result) -> None:
        if result.latency_us is None:
            self._errors[result.answer.error] += 1
            return
        self._status[result.answer.status] += 1
        self._wrong_bodies += result.answer.body_ok is False
        self._bytes += result.answer.size
        self._buckets[bisect.bisect_left(_BOUNDS, result.latency_us / 1000)] += 1
        self._seconds += result.latency_us / 1e6

    def flush(self, t: float) -> None:
        pass

    def close(self) -> None:
        self._socket.close()

    def __call__(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "second":
            self._now = event

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily("loadgen_requests", "Whole responses.", labels=["status"])
        for status, count in sorted(self._status.items()):
            requests.add_metric([str(status)], count)
        yield requests
        errors = CounterMetricFamily("loadgen_errors", "Requests without a whole response.", labels=["error"])
        for error, count in sorted(self._errors.items()):
            errors.add_metric([error], count)
        yield errors
        yield CounterMetricFamily(
            "loadgen_wrong_bodies", "Bodies without what was expected.", self._wrong_bodies
        )
        yield CounterMetricFamily("loadgen_received_bytes", "Bytes of whole bodies.", self._bytes)
        yield self._latency()
        for name, key, what in (
            ("loadgen_in_flight", "in_flight", "Requests on the wire."),
            ("loadgen_waiting", "waiting", "Requests that wait for a connection."),
        ):
            yield GaugeMetricFamily(name, what, self._now.get(key, 0))
        late = self._now.get("lateness_p99_ms")
        if late is not None:
            yield GaugeMetricFamily(
                "loadgen_lateness_p99_seconds",
                "How late the loader itself sent in the last second.",
                late / 1000,
            )

    def _latency(self) -> Metric:
        buckets, total = list[tuple[str, float]](), 0
        for bound, count in zip((*(str(ms / 1000) for ms in _BOUNDS), "+Inf"), self._buckets, strict=True):
            total += count
            buckets.append((bound, total))
        return HistogramMetricFamily(
            "loadgen_latency_seconds",
            "From when a request was due to the last byte of its answer.",
            buckets=buckets,
            sum_value=self._seconds,
        )

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        application = web.Application()
        application.router.add_get("/metrics", self._answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.SockSite(runner, self._socket).start()
            yield
        finally:
            await runner.cleanup()

    async def _answer(self, _: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )
