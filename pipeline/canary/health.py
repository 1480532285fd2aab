"""Health of the hosts: every second, from the exporters on each, through the SSH connection.

Counters become rates over the time between two scrapes by the clock of this process, so a late scrape is a longer
interval and not a spike. A scrape that fails is `up` 0 for that second and no other sample: a gap is data too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from pipeline.base.facts import EXPORTERS as PORTS
from pipeline.remote.ssh import Connection

__all__ = ["EXPORTERS", "Collector", "read_sample"]

EXPORTERS: Final = {name: f"127.0.0.1:{PORTS[name]}" for name in ("node", "process")}

_SERVICE_USER: Final = "canary"
_INTERVAL: Final = 1.0
_SCRAPE_SECONDS: Final = 2.0
# The share of a host's time that watching it may take: slower hosts are asked less often.
_MOST_OF_A_HOST: Final = 0.25
# A counter of the exporters, and the metric that its rate is.
_RATES: Final = {"host_cpu_seconds": "host_cpu", "service_cpu_seconds": "service_cpu"}

_Sample = dict[str, float]


def read_sample(node: str, process: str) -> _Sample:
    """Both exporters' text as named values; names that end in `_seconds` are counters (CPU seconds).

    The names of the rest are those of docs/architecture.md, "Series". What an exporter does not give is absent.
    """
    sample: _Sample = {}
    total = available = None
    for family in text_string_to_metric_families(node):
        for item in family.samples:
            if item.name == "node_cpu_seconds_total" and item.labels["mode"] not in ("idle", "iowait"):
                sample["host_cpu_seconds"] = sample.get("host_cpu_seconds", 0.0) + item.value
            elif item.name == "node_memory_MemTotal_bytes":
                total = item.value
            elif item.name == "node_memory_MemAvailable_bytes":
                available = item.value
            elif item.name == "node_load1":
                sample["host_load1"] = item.value
            elif item.name in ("node_systemd_service_restart_total", "node_systemd_service_restart"):
                sample["service_restarts"] = item.value
    if total is not None and available is not None:
        sample["host_memory"] = total - available
    for family in text_string_to_metric_families(process):
        for item in family.samples:
            if item.labels.get("groupname") != _SERVICE_USER:
                continue
            if item.name == "namedprocess_namegroup_cpu_seconds_total":
                sample["service_cpu_seconds"] = sample.get("service_cpu_seconds", 0.0) + item.value
            elif (
                item.name == "namedprocess_namegroup_memory_bytes"
                and item.labels.get("memtype") == "resident"
            ):
                sample["service_memory"] = item.value
            elif item.name == "namedprocess_namegroup_num_threads":
                sample["service_threads"] = item.value
            elif item.name == "namedprocess_namegroup_open_filedesc":
                sample["service_fds"] = item.value
    return sample


class Collector:
    """Scrapes hosts once a second, very slow ones less often, and gives each sample to `write(t, arm, metric, value)`.

    `connections` maps an arm (`baseline`, `canary`, `proxy`) to its host's connection, which forwards `node` and
    `process`. `latest` holds the newest values of each arm, for the progress display.
    """

    def __init__(
        self, connections: Mapping[str, Connection], write: Callable[[float, str, str, float], None]
    ) -> None:
        self._connections = connections
        self._write = write
        self._before: dict[str, tuple[float, _Sample]] = {}
        self.latest: dict[str, _Sample] = {arm: {} for arm in connections}
        self.missed: dict[str, int] = dict.fromkeys(connections, 0)  # scrapes in a row that failed

    async def run(self, began: float) -> None:
        """Take samples until cancelled; the load `began` then (monotonic clock)."""
        try:
            async with asyncio.TaskGroup() as group:
                for arm, connection in self._connections.items():
                    group.create_task(self._watch(arm, connection, began))
        except ExceptionGroup as errors:  # the caller wants to know what happened, such as a full disk
            raise errors.exceptions[0] from None

    async def _watch(self, arm: str, connection: Connection, began: float) -> None:
        sessions = {
            name: aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(path=str(connection.socket(name))),
                timeout=aiohttp.ClientTimeout(total=_SCRAPE_SECONDS),
            )
            for name in EXPORTERS
        }
        try:
            due = time.monotonic()
            while True:
                at = time.monotonic()
                await self._scrape(arm, sessions, began)
                took = time.monotonic() - at
                # after a stall, do not catch up with a burst
                due = max(due + _INTERVAL, time.monotonic() - _INTERVAL)
                if not self.missed[arm]:
                    # An emulated host works 0.6 s for one answer: asked each second, it would do little else.
                    due = max(due, at + took / _MOST_OF_A_HOST)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
        finally:
            for session in sessions.values():
                await session.close()

    async def _scrape(self, arm: str, sessions: Mapping[str, aiohttp.ClientSession], began: float) -> None:
        at = time.monotonic()
        try:
            node, process = await asyncio.gather(*(_text(session) for session in sessions.values()))
            sample = read_sample(node, process)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            self.missed[arm] += 1
            self.latest[arm] = {}
            self._before.pop(arm, None)
            self._write(at - began, arm, "up", 0.0)
            return
        self.missed[arm] = 0
        values = {name: value for name, value in sample.items() if not name.endswith("_seconds")}
        if arm in self._before:
            before_at, before = self._before[arm]
            for counter, metric in _RATES.items():
                if counter in sample and counter in before:
                    # a restarted service is a new process: its counter falls, and that second has no rate
                    rate = (sample[counter] - before[counter]) / (at - before_at)
                    if rate >= 0:
                        values[metric] = rate
        self._before[arm] = (at, sample)
        self.latest[arm] = values
        self._write(at - began, arm, "up", 1.0)
        for metric, value in values.items():
            self._write(at - began, arm, metric, value)


async def _text(session: aiohttp.ClientSession) -> str:
    async with session.get("http://exporter/metrics") as response:
        response.raise_for_status()
        return await response.text()
