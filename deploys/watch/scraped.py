"""Which targets Prometheus scrapes, worked out from the hosts of the inventory. Knows nothing of pyinfra."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from deploys.kit.facts import APPLICATIONS, EXPORTERS

__all__ = ["JOBS", "JVM_PORTS", "Monitored", "TargetsError", "loopback", "ports_of", "targets"]

_Target = Mapping[str, object]

# Of the agent in either slot's JVM: the slot's port plus 10000.
JVM_PORTS: Final = tuple(port + 10_000 for port in APPLICATIONS["itrust"].slots)
_OF_HOST: Final = ("node", "process")
_OF_APP: Final = {
    "checkbox": ("mtail", "nginx", "mongodb"),
    "itrust": ("mtail", "nginx", "mysqld", "jmx"),
    # No application: the canary's proxy, which shows HAProxy's own figures (templates/haproxy.cfg.j2).
    "proxy": ("haproxy",),
}
JOBS: Final = ("node", "process", "mtail", "nginx", "mongodb", "mysqld", "jmx", "haproxy", "probe")
# The loopback addresses at which the monitor has the hosts' ports: far from 127.0.0.1 and systemd's 127.0.0.53.
_FIRST: Final = IPv4Address("127.64.0.0")
_ADDRESSES: Final = 1 << 22
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class TargetsError(Exception):
    """One line: which host, what is wrong with it."""


@dataclass(frozen=True)
class Monitored:
    """A host with applications, or the canary's proxy.

    Attributes:
        name: In the inventory.
        apps: Its applications, or `proxy`.
        probes: By application, the address that users ask; the proxy has none.
        without: Jobs that it does not have.
    """

    name: str
    apps: Sequence[str]
    probes: Mapping[str, str]
    without: frozenset[str] = frozenset()


def loopback(name: str) -> str:
    """The monitor's own address at which it has the ports of the host `name`.

    It follows from the name alone, so a host keeps its address when others come or go, and Prometheus never reads
    another host there.

    >>> loopback("web1"), loopback("web2")
    ('127.94.107.201', '127.89.27.172')
    """
    digest = hashlib.sha256(name.encode()).digest()
    # Neither the first nor the last of the range.
    return str(_FIRST + 1 + int.from_bytes(digest[:8], "big") % (_ADDRESSES - 2))


def _jobs_of(monitored: Monitored) -> list[str]:
    jobs = dict.fromkeys([*_OF_HOST, *(job for app in monitored.apps for job in _OF_APP[app])])
    return [job for job in jobs if job not in monitored.without]


def ports_of(monitored: Monitored) -> list[int]:
    """The ports of its loopback that a host shows to the monitor."""
    return [port for job in _jobs_of(monitored) for port in _ports_of_job(job)]


def _ports_of_job(job: str) -> tuple[int, ...]:
    return JVM_PORTS if job == "jmx" else (EXPORTERS[job],)


def targets(hosts: Iterable[Monitored], monitor: str) -> dict[str, str]:
    """The text of the file of targets (file_sd) by job, for all JOBS. Raises TargetsError."""
    found: dict[str, list[_Target]] = {job: [] for job in JOBS}
    names: dict[str, str] = {}
    for host in hosts:
        if not _NAME.fullmatch(host.name):
            raise TargetsError(
                f"host {host.name!r}: to be monitored it needs a name of letters, digits, . _ and -"
            )
        address = loopback(host.name)
        other = names.setdefault(address, host.name)
        if other != host.name:
            raise TargetsError(f"hosts {other!r} and {host.name!r} share {address}: give one another name")
        for app in host.apps:
            for job in [*_OF_HOST, *_OF_APP[app]]:
                if job in host.without:
                    continue
                for port in _ports_of_job(job):
                    found[job].append(_target(f"{address}:{port}", host.name, app, f"{host.name}:{port}"))
            if app in host.probes:
                found["probe"].append(_target(host.probes[app], host.name, app, host.probes[app]))
    for job in _OF_HOST:
        own = f"127.0.0.1:{EXPORTERS[job]}"
        found[job].append(_target(own, monitor, "monitor", f"{monitor}:{EXPORTERS[job]}"))
    return {job: json.dumps(entries, indent=1) + "\n" for job, entries in found.items()}


def _target(address: str, host: str, app: str, instance: str) -> _Target:
    return {"targets": [address], "labels": {"host": host, "app": app, "instance": instance}}
