"""Who reaches the ports of a canary's hosts: tried from a host of the same network that is none of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from testinfra.host import Host  # type: ignore[import-untyped] # testinfra publishes no types

from pipeline.inventory.file import write_inventory
from pipeline.inventory.hosts import Inventory
from pipeline.lab import lxc
from pipeline.lab.lab import Lab
from tests.support.lab import Command

pytestmark = pytest.mark.usefixtures("deployed", "listening")

Hosts = Mapping[str, Host]
Reaches = Callable[[str, int], bool]

SERVICE, PUBLIC, SSH, OTHER = 3000, 8080, 22, 9229
EVERYWHERE = ("proxy", "blue", "green")


def reaching(*before: str) -> Reaches:
    """Whether a TCP connection to an address and a port is taken; the words `before` say where it begins."""

    def reaches(address: str, port: int) -> bool:
        command = [*before, "timeout", "2", "bash", "-c", f"</dev/tcp/{address}/{port}"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    return reaches


@pytest.fixture(scope="module")
def stranger(lab: Lab) -> Iterator[Reaches]:
    """A host of its own on the lab's bridge, as those of another lab are: a network namespace with an address there."""
    if lab.provider != "lxc":
        pytest.skip("only the lxc provider's bridge is known here")
    name, inside = f"third-{os.getpid()}", "eth0"
    link = f"third{os.getpid() % 100_000}"
    bridge = lxc.bridge_address()
    for command in (
        f"ip netns add {name}",
        f"ip link add {link} type veth peer name {inside} netns {name}",
        f"ip link set {link} master lxcbr0 up",
        f"ip -n {name} address add {bridge.rpartition('.')[0]}.251/24 dev {inside}",
        f"ip -n {name} link set {inside} up",
    ):
        subprocess.run(command.split(), check=True)
    try:
        yield reaching("ip", "netns", "exec", name)
    finally:
        subprocess.run(["ip", "link", "delete", link], check=False)
        subprocess.run(["ip", "netns", "delete", name], check=True)


@pytest.fixture(scope="module")
def listening(hosts: Hosts) -> Iterator[None]:
    """On each host something more listens to everybody, such as a debugger that a version brought along."""
    for host in hosts.values():
        host.check_output(f"sudo systemd-run -q --collect --unit=other python3 -m http.server {OTHER}")
    for host in hosts.values():
        host.check_output(
            f"timeout 20 sh -c 'until curl -sf 127.0.0.1:{OTHER} >/dev/null; do sleep .2; done'"
        )
    yield
    for host in hosts.values():
        host.check_output("sudo systemctl stop other")


def test_a_labs_hosts_have_no_port_but_ssh_for_a_host_that_is_none_of_them(
    stranger: Reaches, inventory: Inventory
) -> None:
    for name in EVERYWHERE:
        address = inventory.one(name).address
        assert stranger(address, SSH), name
        assert [port for port in (SERVICE, PUBLIC, OTHER) if stranger(address, port)] == [], name


def test_only_the_proxy_reaches_the_service_and_only_this_machine_the_proxy(
    hosts: Hosts, inventory: Inventory
) -> None:
    here = reaching()
    reached = {}
    for name in EVERYWHERE:
        address = inventory.one(name).address
        for port in (SERVICE, PUBLIC, OTHER):
            others = [other for other in EVERYWHERE if other != name]
            by = [
                o for o in others if hosts[o].run(f"timeout 2 bash -c '</dev/tcp/{address}/{port}'").rc == 0
            ]
            by += ["this machine"] if here(address, port) else []
            reached[name, port] = by
    assert {what: by for what, by in reached.items() if by} == {
        ("proxy", PUBLIC): ["this machine"],
        ("blue", SERVICE): ["proxy"],
        ("green", SERVICE): ["proxy"],
    }


def test_the_rules_come_back_when_debians_own_firewall_is_restarted(
    hosts: Hosts, stranger: Reaches, inventory: Inventory
) -> None:
    hosts["green"].check_output("sudo systemctl start nftables && sudo systemctl restart nftables")
    try:
        assert not stranger(inventory.one("green").address, SERVICE)
        assert hosts["green"].service("canary-firewall").is_running
    finally:
        hosts["green"].check_output("sudo systemctl stop nftables && sudo systemctl restart canary-firewall")


def test_on_hosts_of_the_users_own_only_the_services_port_is_closed(
    stranger: Reaches, inventory: Inventory, pipeline: Command, samples: Path, tmp_path: Path
) -> None:
    file = tmp_path / "inventory.ini"
    write_inventory(inventory, file)
    arguments = (
        "canary",
        "master",
        "slow",
        "--repo",
        str(samples),
        "--duration",
        "5s",
        "--warmup",
        "1s",
        "--json",
    )
    ended = pipeline(*arguments, "-i", str(file))
    assert ended.json["run"]["provider"] == "inventory", ended
    assert stranger(inventory.one("proxy").address, PUBLIC)
    assert stranger(inventory.one("green").address, OTHER)
    assert stranger(inventory.one("green").address, SSH)
    assert not stranger(inventory.one("green").address, SERVICE)
