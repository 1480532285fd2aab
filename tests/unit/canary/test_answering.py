"""From where the proxy's connections come, as far as it is known without asking it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import HostError
from pipeline.canary.answering import proxys_addresses
from pipeline.inventory.hosts import Host

BLUE = Host("blue", "192.0.2.2")


def test_a_labs_proxy_is_known_by_its_address_and_not_asked(tmp_path: Path) -> None:
    proxy = Host("proxy", "127.0.0.1", port=9, private_address="192.0.2.1")  # nothing answers at this port
    assert proxys_addresses(proxy, [BLUE], tmp_path / "known_hosts", lab=True) == ["192.0.2.1"]


def test_a_proxy_that_cannot_be_asked_is_named(tmp_path: Path) -> None:
    proxy = Host("proxy", "127.0.0.1", port=9)
    with pytest.raises(HostError, match=r"^proxy: SSH failed: "):
        proxys_addresses(proxy, [BLUE], tmp_path / "known_hosts", lab=False)
