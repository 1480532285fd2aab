"""What the exporter of MongoDB tells Prometheus."""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace

import pytest


def test_what_mongodb_tells_is_what_prometheus_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    # The host's pymongo, which is not a package of this project; nothing of it is asked here.
    monkeypatch.setitem(sys.modules, "pymongo", SimpleNamespace(MongoClient=None))
    monkeypatch.setitem(sys.modules, "pymongo.errors", SimpleNamespace(PyMongoError=OSError))
    exporter = importlib.import_module("deploys.checks.mongodb_exporter")
    status = {
        "connections": {"current": 11, "available": 100, "active": 2},
        "opcounters": dict.fromkeys(("insert", "query", "update", "delete", "getmore", "command"), 7),
        "mem": {"resident": 90, "virtual": 900},
        "uptime": 60.0,
        "wiredTiger": {"cache": {"bytes currently in the cache": 5, "maximum bytes configured": 10}},
    }
    told = {
        (sample.name, *sample.labels.values()): sample.value
        for family in exporter.metrics(status)
        for sample in family.samples
    }
    assert told["mongodb_connections", "current"] == 11
    assert told["mongodb_op_counters_total", "query"] == 7
    assert told["mongodb_cache_bytes", "max"] == 10
