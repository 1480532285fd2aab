"""The sets of hosts that this machine can boot: their names and sizes are in Vagrantfile.hosts.yml.

Sets never share a name, an address, a lock or a file, so each comes and goes whatever the other does.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipeline.base.places import ROOT

__all__ = ["CANARY", "MONITOR", "PRODUCTION", "SETS", "HostSet", "set_of"]


@dataclass(frozen=True, slots=True)
class HostSet:
    """Hosts that are booted and removed together. The figures are those of Vagrantfile.hosts.yml.

    `memory` is in MB: for each variable that sets it, its usual value on lxc and on real VMs. A set whose hosts
    must be equal has the one variable PIPELINE_LAB_MEMORY.
    """

    name: str
    title: str  # in a sentence
    hosts: tuple[str, ...]
    vagrantfile: str
    memory: Mapping[str, tuple[int, int]]
    cpus: str
    beginning: str  # of the hosts' names on this machine; a hash of the checkout's path follows
    folder: str  # of its state, within .pipeline and within .vagrant
    apart: int = 0  # how far its addresses are from the canary's
    keeps_data: bool = False  # whether a host that was stopped is started again as it was, or built anew
    variables: Mapping[str, str] = field(default_factory=dict)  # more of the Vagrantfile's, always the same

    def place(self, root: Path) -> int:
        """The number with which the search for free addresses begins; Vagrantfile.common.rb computes the same."""
        return int(_digest(root), 16) + self.apart

    def prefix(self, root: Path) -> str:
        """How the hosts' names begin on this machine: others for each workplace `root`, so that none collide."""
        return f"{self.beginning}{_digest(root)}-"

    def state(self, directory: Path) -> Path:
        """Where in the workplace's state `directory` this set's lock, addresses, host keys and log are."""
        return directory / self.folder

    def command(self, verb: str) -> str:
        """What to type: `pipeline lab VERB` for this set."""
        if self is MONITOR:
            return f"pipeline prod {verb}"
        return f"pipeline lab {verb}" + ("" if self is CANARY else f" {self.name}")

    def settings(self, provider: str) -> dict[str, str]:
        """Sizes as the Vagrantfile's variables: the user's own where set, else the usual ones."""
        common = os.environ.get("PIPELINE_LAB_MEMORY")
        sizes = {
            name: os.environ.get(name) or common or str(usual[provider != "lxc"])
            for name, usual in self.memory.items()
        }
        cpus = os.environ.get("PIPELINE_LAB_CPUS") or self.cpus
        return {**sizes, "PIPELINE_LAB_CPUS": cpus, **self.variables}

    def memory_of(self, host: str, settings: Mapping[str, str]) -> str:
        """The MB of `host` by these settings."""
        own = f"PIPELINE_LAB_MEMORY_{host.upper()}"
        return settings[own if own in self.memory else "PIPELINE_LAB_MEMORY"]


def _set(name: str, *, memory: Mapping[str, tuple[int, int]], **more: Any) -> HostSet:
    """The set `name` of Vagrantfile.hosts.yml."""
    known = _KNOWN[name]
    return HostSet(
        name=name,
        hosts=tuple(known["hosts"]),
        memory=memory,
        cpus=str(known["cpus"]),
        beginning=known["beginning"],
        apart=known["apart"],
        **more,
    )


def _own_memory(hosts: Sequence[str]) -> dict[str, tuple[int, int]]:
    """For hosts with a size of their own: the variable that sets it, and the usual size."""
    usual = _KNOWN["production"]["memory"]
    return {f"PIPELINE_LAB_MEMORY_{host.upper()}": (usual[host], usual[host]) for host in hosts}


_KNOWN: Mapping[str, Mapping[str, Any]] = yaml.safe_load(
    (ROOT / "Vagrantfile.hosts.yml").read_text(encoding="utf-8")
)
_COMMON = _KNOWN["canary"]["memory"]

CANARY = _set(
    "canary",
    title="the lab",
    vagrantfile="Vagrantfile.canary",
    memory={"PIPELINE_LAB_MEMORY": (_COMMON["lxc"], _COMMON["vm"])},
    folder="",
)
PRODUCTION = _set(
    "production",
    title="local production",
    vagrantfile="Vagrantfile.monitor",
    memory=_own_memory(_KNOWN["production"]["hosts"]),
    folder="production",
    keeps_data=True,
)
# Production's monitor by itself, for hosts that are in a cloud. Not of SETS: its name there is production's.
MONITOR = _set(
    "monitor",
    title="the local monitor",
    vagrantfile="Vagrantfile.monitor",
    memory=_own_memory(_KNOWN["monitor"]["hosts"]),
    folder="monitor",
    keeps_data=True,
    variables={"PIPELINE_LAB_ONLY": "monitor"},
)
SETS = {host_set.name: host_set for host_set in (CANARY, PRODUCTION)}


def _digest(root: Path) -> str:
    return hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]


def set_of(host: str) -> HostSet:
    """The set that has a host of this name. Raises KeyError when none has."""
    for host_set in SETS.values():
        if host in host_set.hosts:
            return host_set
    raise KeyError(host)
