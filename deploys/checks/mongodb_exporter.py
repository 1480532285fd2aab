"""Exporter of MongoDB's connections, operations and memory. A service of the host; the deploy's kept.py starts it.

Debian's prometheus-mongodb-exporter is of 2018: it speaks OP_QUERY, which MongoDB 6 no longer understands, and gives
not one figure of it. This is the one command serverStatus, under the names that it had. Its arguments: the address to
listen on, its port, and a file with MongoDB's address, port, and a user and password with the role clusterMonitor
(JSON; mongodb_exporter_user.py makes it).
"""

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client import start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry
from pymongo import MongoClient  # type: ignore[import-not-found] # a package of the host, not of this project
from pymongo.errors import PyMongoError  # type: ignore[import-not-found]

WAIT = 2000  # milliseconds; less than a scrape may take


class ServerStatus(Collector):
    """Asks at each scrape. Without an answer `mongodb_up` is 0, and there is nothing else."""

    def __init__(self, access: dict[str, Any]) -> None:
        self.client = MongoClient(
            access["host"],
            access["port"],
            username=access["user"],
            password=access["password"],
            authSource="admin",
            directConnection=True,
            maxPoolSize=1,
            appname="exporter",
            connectTimeoutMS=WAIT,
            socketTimeoutMS=WAIT,
            serverSelectionTimeoutMS=WAIT,
        )

    def describe(self) -> list[Metric]:
        """None is asked for at the start: MongoDB may come later."""
        return []

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("mongodb_up", "Whether MongoDB answered serverStatus.")
        try:
            status = self.client.admin.command("serverStatus")
        except PyMongoError as error:
            print(str(error).partition(", Timeout:")[0][:200], file=sys.stderr, flush=True)
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from metrics(status)


def metrics(status: dict[str, Any]) -> Iterator[Metric]:
    """What serverStatus told, as Prometheus has it."""
    connections = GaugeMetricFamily("mongodb_connections", "Connections by state.", labels=["state"])
    for state in ("current", "available", "active"):
        connections.add_metric([state], status["connections"][state])
    yield connections
    operations = CounterMetricFamily("mongodb_op_counters", "Operations since the start.", labels=["type"])
    for kind in ("insert", "query", "update", "delete", "getmore", "command"):
        operations.add_metric([kind], status["opcounters"][kind])
    yield operations
    memory = GaugeMetricFamily("mongodb_memory", "MiB that mongod uses.", labels=["type"])
    for kind in ("resident", "virtual"):
        memory.add_metric([kind], status["mem"][kind])
    yield memory
    yield GaugeMetricFamily("mongodb_uptime_seconds", "Seconds since mongod started.", value=status["uptime"])
    cache = status["wiredTiger"]["cache"]
    used = GaugeMetricFamily("mongodb_cache_bytes", "WiredTiger's cache.", labels=["type"])
    used.add_metric(["used"], cache["bytes currently in the cache"])
    used.add_metric(["max"], cache["maximum bytes configured"])
    yield used


def main() -> None:
    address, port, file = sys.argv[1:]
    registry = CollectorRegistry()
    registry.register(ServerStatus(json.loads(Path(file).read_text(encoding="utf-8"))))
    start_http_server(int(port), addr=address, registry=registry)
    threading.Event().wait()


if __name__ == "__main__":
    main()
