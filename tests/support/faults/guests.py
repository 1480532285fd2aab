"""The lab's hosts seen from the machine: what is done in them needs no SSH, so it works when that is the fault."""

from __future__ import annotations

import http.client
import subprocess
import time
from typing import Final

from pipeline.base.errors import HostError
from pipeline.base.facts import PROXY_PORT
from pipeline.base.places import ROOT
from pipeline.inventory.hosts import Host
from pipeline.lab import lxc
from pipeline.lab.lab import Lab
from pipeline.lab.memory import memories

__all__ = ["Guests"]

_ASKED: Final = 12  # of a proxy that deals to both, so many requests see one colour only once in 2,048 times


class Guests:
    """The containers of one set of this checkout's hosts, the canary's or production's."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.names = lab.host_set.hosts
        self.prefix = lab.host_set.prefix(ROOT)

    def run(self, name: str, script: str, *, check: bool = True) -> str:
        """Run a shell script in a host as root; what it printed."""
        done = subprocess.run(
            ["lxc-attach", "-n", self.prefix + name, "--clear-env", "--set-var", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
             "--", "sh", "-c", script],
            check=False, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(f"on {name}, '{script}' ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def outside(self, name: str, *command: str) -> None:
        """Run a program of this machine in a host's network: a host need not have it."""
        pid = subprocess.run(
            ["lxc-info", "-p", "-H", "-n", self.prefix + name], check=True, capture_output=True, text=True
        ).stdout.strip()
        subprocess.run(["nsenter", "-t", pid, "-n", *command], check=True, capture_output=True, timeout=30)

    def kill(self, name: str) -> None:
        """Take a host's power away."""
        lxc.stop([self.prefix + name])

    def states(self) -> dict[str, str]:
        """What each host is: running, stopped, frozen, not_created."""
        return {name: lxc.state(self.prefix + name) for name in self.names}

    def start(self) -> None:
        """Give the hosts that have none their power back, and wait for SSH; their disks are as they were."""
        stopped = [name for name in self.names if lxc.state(self.prefix + name) == "stopped"]
        for name in stopped:
            subprocess.run(
                ["lxc-start", "-n", self.prefix + name], check=True, capture_output=True, timeout=60
            )
        hosts = [host for host in self.hosts() if host.name in stopped]
        deadline = time.monotonic() + 60
        while any(isinstance(m, HostError) for m in memories(hosts, self.lab.known_hosts).values()):
            assert time.monotonic() < deadline, f"{stopped} did not come back"
            time.sleep(0.5)

    def hosts(self) -> tuple[Host, ...]:
        """Their addresses, whether they answer or not."""
        return self.lab.hosts()

    def colours(self, seconds: float = 15) -> set[str]:
        """Who answers through the proxy, by the header that HAProxy sets; it is waited for, should it just start."""
        (proxy,) = [host for host in self.hosts() if host.name == "proxy"]
        deadline = time.monotonic() + seconds
        while True:
            try:
                return {_served_by(proxy.address) for _ in range(_ASKED)}
            except OSError:
                if time.monotonic() > deadline:
                    return set()
                time.sleep(0.3)

    def sessions(self, seconds: float = 5) -> dict[str, int]:
        """SSH connections to each running host that are open and do not go away within `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            counted = {
                name: len(self.run(name, "ss -Htn state established sport = :22").splitlines())
                for name, state in self.states().items()
                if state == "running"
            }
            if not any(counted.values()) or time.monotonic() > deadline:
                return counted
            time.sleep(0.3)


def _served_by(address: str) -> str:
    connection = http.client.HTTPConnection(address, PROXY_PORT, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().headers["X-Served-By"]
    finally:
        connection.close()
