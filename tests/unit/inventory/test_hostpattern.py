"""Hosts as Ansible's inventories write them; the names are those that ansible-core gives."""

from __future__ import annotations

import pytest

from pipeline.inventory.hostpattern import RangeError, expand_hosts


@pytest.mark.parametrize(
    ("pattern", "names", "port"),
    [
        ("web1", ["web1"], None),
        ("web1.example.com:2222", ["web1.example.com"], 2222),
        ("10.0.0.1:22", ["10.0.0.1"], 22),
        ("2001:db8::7", ["2001:db8::7"], None),
        ("[2001:db8::7]:2222", ["2001:db8::7"], 2222),
        ("[10.0.0.1]:24", ["10.0.0.1"], 24),
        ("fe80::1%eth0", ["fe80::1%eth0"], None),
        ("web[01:03]", ["web01", "web02", "web03"], None),
        ("web[1:9:4]:7", ["web1", "web5", "web9"], 7),
        ("web[:2]", ["web0", "web1", "web2"], None),
        ("db-[a:c]", ["db-a", "db-b", "db-c"], None),
        ("n[0:1]x[a:b]", ["n0xa", "n0xb", "n1xa", "n1xb"], None),
        ("10.0.1.[1:2]", ["10.0.1.1", "10.0.1.2"], None),
        ("2001:db8::[1:2]", ["2001:db8::1", "2001:db8::2"], None),
    ],
)
def test_names_and_port(pattern: str, names: list[str], port: int | None) -> None:
    assert expand_hosts(pattern) == (names, port)


@pytest.mark.parametrize(
    "pattern", ["web[1:", "web[a:3]", "web[01:100]", "web[1:2:3:4]", "web[1]", "web[1:2:0]", "w[1:]"]
)
def test_a_range_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(RangeError):
        expand_hosts(pattern)


@pytest.mark.parametrize(
    "pattern", ["", "web:", "-o", "a b", "a=b", "@local", "a/b", "{}", "web[3:1]", "x]", "a:b:c", "web,db"]
)
def test_what_no_host_is_called_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"no host's name or address|begin must not be behind"):
        expand_hosts(pattern)


@pytest.mark.parametrize("pattern", ["web[0:99999999]", "[a:z][a:z][a:z][a:z]"])
def test_a_range_of_very_many_hosts_is_refused_at_once(pattern: str) -> None:
    with pytest.raises(ValueError, match="more than 10,000 hosts"):
        expand_hosts(pattern)
