"""The monitor's SSH connections to the hosts."""

from __future__ import annotations

import pytest
from pyinfra.api.exceptions import DeployError

from deploys.watch import scraped, tunnels
from deploys.watch.scraped import Monitored

WEB = Monitored("web1", ["checkbox"], {"checkbox": "http://203.0.113.10/api/study/listing"})


def test_the_tunnel_forwards_what_the_hosts_key_permits_and_no_more() -> None:
    text = tunnels.configuration(WEB, ("203.0.113.10", 2222))
    place = scraped.loopback("web1")
    forwards = [line for line in text.splitlines() if line.startswith("LocalForward")]
    assert forwards == [f"LocalForward {place}:{p} 127.0.0.1:{p}" for p in scraped.ports_of(WEB)]
    for line in ("HostName 203.0.113.10", "Port 2222", "User exporters", "StrictHostKeyChecking yes"):
        assert line in text.splitlines()


@pytest.mark.parametrize("address", ["a b", "x\nProxyCommand y", "-v", "$(id)"])
def test_an_address_that_ssh_would_read_otherwise_is_refused(address: str) -> None:
    with pytest.raises(DeployError, match="no address"):
        tunnels.plain(address)
