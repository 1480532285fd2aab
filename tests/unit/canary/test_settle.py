"""The proxy is put on a colour, or it is said why not. Real proxies: tests/lab/test_endings.py."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pipeline.base.errors import HostError
from pipeline.canary.proxy import Proxy
from pipeline.canary.settle import settle
from pipeline.inventory.hosts import Host, Inventory
from pipeline.remote.ssh import Connection
from tests.support.ports import free_port


def test_a_proxy_that_cannot_be_reached_is_a_problem_and_no_error(tmp_path: Path) -> None:
    host = Host("proxy", "127.0.0.1", free_port(), "nobody", None)
    settled = settle(Inventory({"proxy": (host,)}), tmp_path / "known_hosts", "blue", patience=0)
    assert (settled.wanted, settled.colour) == ("blue", None)
    assert settled.problem.startswith("proxy: SSH to nobody@127.0.0.1:")
    assert settled.trouble


def test_a_host_that_does_not_answer_is_not_taken_for_one_without_a_proxy(tmp_path: Path) -> None:
    connection = Connection(Host("proxy", "127.0.0.1", free_port(), "nobody", None), tmp_path, tmp_path / "k")
    with pytest.raises(HostError, match="onnect"):
        asyncio.run(Proxy(connection).has_maps())
