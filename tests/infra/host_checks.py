"""What holds on any host, whichever application it carries."""

from __future__ import annotations

import re
from typing import Any

import pytest
from application import APPLICATIONS, Application, Database
from connection import Outside
from shell import output
from sockets import Listener

# Others that may be heard from outside: UDP of the network's own configuration and of the clock.
CLIENTS = {"systemd-network", "dhclient", "dhcpcd", "NetworkManager", "chronyd", "ntpd", "systemd-timesyn"}
PROCESSES = "http://127.0.0.1:9256/metrics"  # the process exporter, on a host that is monitored
CLOCKS = ("systemd-timesyncd", "chrony", "ntpsec", "ntp")


class HostChecks:
    """The host: its system, its room, its listeners, its log."""

    def test_packages(self, host: Any, app: Application) -> None:
        """The packages are installed."""
        missing = [name for name in app.packages if not host.package(name).is_installed]
        assert not missing, f"not installed: {', '.join(missing)}"

    def test_dpkg(self, host: Any) -> None:
        """No package is half installed."""
        audit = output(host, "dpkg --audit")
        assert not audit, f"dpkg --audit: {audit.splitlines()[0]}"

    def test_sshd(self, host: Any) -> None:
        """The SSH server's configuration is accepted."""
        # The directory is made by the unit that starts sshd; socket-activated hosts have it only meanwhile.
        tested = host.run("mkdir -p /run/sshd && sshd -t")
        assert tested.rc == 0, f"sshd -t: {tested.stderr.strip()}"

    def test_system(self, host: Any, app: Application, record_property: Any) -> None:
        """Systemd has started all units that this application needs."""
        state = host.run("systemctl is-system-running").stdout.strip()
        failed = output(host, "systemctl list-units --failed --plain --no-legend").split("\n")
        failed = [line.split()[0] for line in failed if line.strip()]
        ours = {"nginx.service", app.database.unit, *map(app.unit, app.ports)}
        assert state in ("running", "degraded"), f"systemctl is-system-running: {state}"
        assert not ours & set(failed), f"failed: {', '.join(sorted(ours & set(failed)))}"
        record_property("note", f"{state}: {', '.join(failed)}" if failed else state)

    def test_disk(self, host: Any) -> None:
        """No file system in use is more than 90 % full, in bytes or in files."""
        for what in ("pcent", "ipcent"):
            lines = output(host, f"df --output={what},target / /srv /var /tmp").splitlines()[1:]
            full = [line for line in lines if line.split()[0].rstrip("%").isdigit()
                    and int(line.split()[0].rstrip("%")) > 90]  # fmt: skip
            assert not full, f"nearly full: {full[0].strip()}"

    def test_memory(self, host: Any) -> None:
        """At least 5 % of the memory is free for use."""
        words = output(host, "grep -E '^(MemTotal|MemAvailable):' /proc/meminfo").split()
        memory = {words[i]: int(words[i + 1]) for i in range(0, len(words), 3)}
        free = memory["MemAvailable:"] / memory["MemTotal:"]
        assert free >= 0.05, f"{free:.1%} of {memory['MemTotal:'] // 1024} MB is available"

    def test_clock(self, host: Any) -> None:
        """The clock is synchronised, where a service does so."""
        if not any(host.service(name).is_running for name in CLOCKS):
            pytest.skip("no service sets this host's clock (a container has its machine's)")
        assert output(host, "timedatectl show -p NTPSynchronized --value") == "yes", "not synchronised"

    def test_reachable_listeners(self, host: Any, app: Application, sockets: list[Listener]) -> None:
        """Only SSH and nginx can be reached from outside."""
        others = [a.listen for a in APPLICATIONS if a.name != app.name and host.file(f"{a.home}/live").exists]
        ssh = output(host, "sshd -T | sed -n 's/^port //p'").split()
        expected = {("sshd", int(port)) for port in ssh} | {("nginx", port) for port in [app.listen, *others]}
        reachable = {(s.program, s.port) for s in sockets if not s.loopback and s.program not in CLIENTS}
        surplus, missing = reachable - expected, {("nginx", app.listen)} - reachable
        assert not surplus, "reachable from outside: " + ", ".join(f"{p}:{n}" for p, n in sorted(surplus))
        assert not missing, f"nginx does not listen on {app.listen}"

    def test_loopback_listeners(
        self, app: Application, database: Database | None, sockets: list[Listener], live_port: int
    ) -> None:
        """The live slot and the database listen on loopback only, each as its own user; the idle slot does not."""
        found = {
            s.port: s for s in sockets if s.port in (*app.ports, app.database.port) and s.protocol == "tcp"
        }
        wanted = {live_port: app.name} | ({database.port: database.user} if database else {})
        for socket in found.values():
            assert socket.loopback, f"{socket.program} listens on {socket.address}:{socket.port}"
            assert socket.port in wanted, f"{socket.program} listens on the idle slot's port {socket.port}"
        for port, user in wanted.items():
            assert port in found, f"nothing listens on {port}"
            assert found[port].user == user, f"port {port} belongs to user {found[port].user}, not {user}"

    def test_unreachable(self, app: Application, outside: Outside) -> None:
        """Neither the database nor a slot can be connected to over the network."""
        open_ = [port for port in (app.database.port, *app.ports) if outside.connection(port) == "open"]
        assert not open_, f"reached from outside: {', '.join(map(str, open_))}"

    def test_reachable(self, app: Application, outside: Outside) -> None:
        """nginx's port can be connected to over the network."""
        met = outside.connection(app.listen)
        assert met == "open", f"{outside.address}:{app.listen}: {met}"

    def test_figures(self, host: Any, app: Application, database: Database | None) -> None:
        """The monitor gets figures of every service's processes."""
        if not host.user("exporters").exists:
            pytest.skip("no monitor watches this host")
        shown = output(host, f"curl -sS --noproxy '*' -m 10 --retry 5 --retry-connrefused {PROCESSES}")
        counted = set(
            re.findall(r'(?m)^namedprocess_namegroup_num_procs\{groupname="([^"]+)"\} [1-9]', shown)
        )
        wanted = {app.name, "www-data", *([database.user] if database else [])}
        assert counted, "the process exporter has no figures at all"
        missing = wanted - counted
        assert not missing, f"no figures of the processes of {', '.join(sorted(missing))}"

    def test_journal(self, host: Any, app: Application, database: Database | None, live_port: int) -> None:
        """The units logged no error since they started."""
        for unit in ("nginx.service", app.unit(live_port), *([database.unit] if database else [])):
            run = output(host, "systemctl show -p InvocationID --value %s", unit)
            assert run, f"{unit} never started"
            # _SYSTEMD_..: what the unit wrote; INVOCATION_ID: what systemd wrote about it.
            lines = output(
                host,
                f"journalctl -q -p err -o cat --no-pager _SYSTEMD_INVOCATION_ID={run} + INVOCATION_ID={run}",
            )
            assert not lines, f"{unit}: {lines.splitlines()[-1]}"
