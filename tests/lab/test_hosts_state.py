"""What a deployed lab looks like from inside its hosts, seen by testinfra.

Needs the fixtures `hosts` (name -> testinfra host, for proxy, blue and green), `deployed` (colour -> commit
of the service there) and `lab`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from testinfra.host import Host  # type: ignore[import-untyped] # testinfra publishes no types

from pipeline.base.errors import EnvironmentError_
from pipeline.base.places import ROOT
from pipeline.deploy.applications import find_application
from pipeline.deploy.preflight import check_hosts
from pipeline.inventory.hosts import Inventory
from pipeline.lab.lab import Lab
from pipeline.lab.sets import CANARY
from pipeline.remote.ask import ask

pytestmark = pytest.mark.usefixtures("deployed")

Hosts = Mapping[str, Host]

COLOURS = ("blue", "green")
EVERYWHERE = ("proxy", *COLOURS)
EXPORTERS = {"prometheus-node-exporter": 9100, "prometheus-process-exporter": 9256}
CPU = Path("/sys/fs/cgroup/cpu")


def addresses(host: Host) -> list[str]:
    return str(host.check_output("hostname -I")).split()


def answers(host: Host, address: str, port: int) -> bool:
    """Whether a TCP connection from `host` is taken."""
    return bool(host.run(f"timeout 3 bash -c '</dev/tcp/{address}/{port}'").rc == 0)


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("proxy", "haproxy"),
        *[(colour, "canary") for colour in COLOURS],
        *[(name, exporter) for name in EVERYWHERE for exporter in EXPORTERS],
    ],
)
def test_service_runs_and_will_after_a_reboot(hosts: Hosts, name: str, service: str) -> None:
    unit = hosts[name].service(service)
    assert unit.is_running
    assert unit.is_enabled


@pytest.mark.parametrize("name", EVERYWHERE)
def test_only_ssh_and_the_service_listen_to_others(hosts: Hosts, name: str) -> None:
    outward = {
        int(line.rsplit(":", 1)[1])
        for line in hosts[name].check_output("ss -Hltn | awk '{print $4}'").splitlines()
        if not line.startswith(("127.", "[::1]"))
    }
    assert outward == ({22, 8080} if name == "proxy" else {22, 3000})


@pytest.mark.parametrize("name", EVERYWHERE)
@pytest.mark.parametrize("port", EXPORTERS.values())
def test_exporters_answer_on_loopback_and_to_no_other_host(hosts: Hosts, name: str, port: int) -> None:
    assert hosts[name].socket(f"tcp://127.0.0.1:{port}").is_listening
    other = hosts["blue" if name == "proxy" else "proxy"]
    assert not any(answers(other, address, port) for address in addresses(hosts[name]) if ":" not in address)


def test_proxy_reaches_both_services(hosts: Hosts) -> None:
    # The other way round of the test above: a connection that must not be there is not simply never there.
    for colour in COLOURS:
        assert any(answers(hosts["proxy"], address, 3000) for address in addresses(hosts[colour]))


def test_a_host_key_that_changed_is_refused(inventory: Inventory, tmp_path: Path) -> None:
    """Another key under a known address may be another machine: nothing is asked of it, and nothing sent to it."""
    blue, known = inventory.one("blue"), tmp_path / "known_hosts"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    known.write_text(f"{blue.address} {(tmp_path / 'other.pub').read_text()}")
    changed = replace(blue, known_hosts=known)
    with pytest.raises(EnvironmentError_, match="its host key is not the one that is known") as caught:
        check_hosts(find_application("checkbox.io"), [changed], known)
    assert "ssh-keygen" in str(caught.value.hint)
    assert ask(changed, "true", known_hosts=known, seconds=20).status == 255


def test_haproxy_accepts_its_configuration(hosts: Hosts) -> None:
    with hosts["proxy"].sudo():
        assert hosts["proxy"].run("haproxy -c -f /etc/haproxy/haproxy.cfg").rc == 0


def test_traffic_is_switched_by_the_ssh_user_and_by_nobody_else(hosts: Hosts) -> None:
    proxy = hosts["proxy"]
    socket = proxy.file("/run/haproxy/admin.sock")
    assert (socket.user, socket.group, socket.mode) == (proxy.user().name, "root", 0o660)
    assert proxy.run("test -w /run/haproxy/admin.sock").rc == 0
    assert proxy.run("sudo -u nobody test -w /run/haproxy/admin.sock").rc != 0


@pytest.mark.parametrize("colour", COLOURS)
def test_the_commit_that_was_asked_for_is_the_one_that_runs(
    hosts: Hosts, deployed: Mapping[str, str], colour: str
) -> None:
    host = hosts[colour]
    release = f"/srv/canary/releases/{deployed[colour]}"
    assert host.file("/srv/canary/current").linked_to == release
    with host.sudo():
        pid = host.check_output("systemctl show --value -p MainPID canary.service")
        assert host.check_output("readlink /proc/%s/cwd", pid) == release


@pytest.mark.parametrize("colour", COLOURS)
def test_code_under_test_never_runs_as_root(hosts: Hosts, colour: str) -> None:
    host = hosts[colour]
    pid = host.check_output("systemctl show --value -p MainPID canary.service")
    assert host.check_output("ps -o user= -p %s", pid).strip() == "canary"
    assert host.check_output("grep NoNewPrivs /proc/%s/status", pid).split()[1] == "1"


@pytest.mark.parametrize("colour", COLOURS)
def test_code_under_test_writes_only_where_no_later_run_reads(
    hosts: Hosts, deployed: Mapping[str, str], colour: str
) -> None:
    host = hosts[colour]
    # A release is used again on a kept lab: as it was installed, by whoever is root there.
    changeable = "( ! -user root -o -perm /6022 ! -type l )"
    trees = host.check_output("ls -d /srv/canary/releases/*.installed").split()
    for path in (*(tree.removesuffix(".installed") for tree in trees), "/srv/canary -maxdepth 2 ! -type d"):
        assert host.check_output(f"find {path} {changeable}".replace("(", "\\(").replace(")", "\\)")) == ""
    with host.sudo():
        pid = host.check_output("systemctl show --value -p MainPID canary.service")
        inside = f"nsenter -m -t {pid} runuser -u canary --"
        state = f"/var/lib/canary/{deployed[colour]}"
        assert host.run(f"{inside} touch {state}/own").rc == 0
        assert host.run(f"{inside} touch /srv/canary/releases/{deployed[colour]}/index.js").rc != 0
        found = host.run(f"{inside} find / -xdev -type d -writable").stdout.split()
        assert set(found) - {"/tmp", "/var/tmp"} == {state}


@pytest.mark.parametrize("colour", COLOURS)
def test_the_services_environment_is_for_root_and_the_service_only(hosts: Hosts, colour: str) -> None:
    environment = hosts[colour].file("/srv/canary/environment")
    assert (environment.user, environment.group, environment.mode) == ("root", "canary", 0o640)


@pytest.mark.parametrize("colour", COLOURS)
def test_health_of_the_service_can_be_read(hosts: Hosts, colour: str) -> None:
    process = hosts[colour].check_output("curl -sf http://127.0.0.1:9256/metrics")
    for metric in ("num_procs", "num_threads", "open_filedesc"):
        values = [line for line in process.splitlines() if f'{metric}{{groupname="canary"' in line]
        assert float(values[0].split()[1]) > 0
    node = hosts[colour].check_output("curl -sf http://127.0.0.1:9100/metrics")
    assert 'node_systemd_service_restart_total{name="canary.service"}' in node


def test_hosts_see_the_same_memory_and_no_more_than_their_limit(hosts: Hosts) -> None:
    seen = {
        name: int(hosts[name].check_output("awk '/^MemTotal/ {print $2}' /proc/meminfo"))
        for name in EVERYWHERE
    }
    container = hosts["blue"].run("systemd-detect-virt --container").rc == 0
    limit = (512 if container else 1024) * 1024
    assert len(set(seen.values())) == 1
    # A VM's kernel keeps a part for itself; a container's limit is seen exactly, or lxcfs does not work.
    assert seen["blue"] == limit if container else 0.8 * limit < seen["blue"] < limit


def test_blue_and_green_have_the_same_processors(hosts: Hosts, lab: Lab) -> None:
    assert hosts["blue"].check_output("nproc") == hosts["green"].check_output("nproc")
    if lab.provider == "lxc" and CPU.is_dir():
        # A container does not see its own quota; the machine does.
        quotas = {
            (CPU / f"lxc.payload.{CANARY.prefix(ROOT)}{name}" / "cpu.cfs_quota_us").read_text().strip()
            for name in EVERYWHERE
        }
        assert quotas == {"50000"}
