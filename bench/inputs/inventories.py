"""Random inventories, read by ansible-core and by us: `python -m bench.inputs.inventories --count 1000 --seed 1`.

A disagreement is another group, host, variable, address, port or user; or a file that only one of both reads. Where we
refuse what Ansible reads, the line must give a reason that Ansible's own answer shows (a password, another connection
than SSH, a template in an address ...), and where that reason holds we must refuse.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.inputs.ansible_answers import ansible_answers
from bench.inputs.inventory_samples import write_inventory_sample
from bench.inputs.run import options, show
from pipeline.base.errors import InventoryError
from pipeline.inventory.file import InventoryFile, open_inventory
from pipeline.inventory.hosts import Host

__all__ = ["compare_inventories"]

_PARTS = {
    "address": ("ansible_ssh_host", "ansible_host"),
    "port": ("ansible_ssh_port", "ansible_port"),
    "user": ("ansible_ssh_user", "ansible_user"),
}
_OURS_ONLY = re.compile(
    r"Ansible takes no port for|is given twice|has no 'hots'|no key file|must not be behind the end"
    r"|is no host's name or address"
)


def compare_inventories(count: int, seed: int, folder: Path) -> tuple[Counter[str], list[str]]:
    """How often which outcome came, and a line for each disagreement."""
    chance = random.Random(seed)  # noqa: S311 - test data
    paths = [write_inventory_sample(chance, folder / f"{number}") for number in range(count)]
    outcomes: Counter[str] = Counter()
    disagreements: list[str] = []
    for path, theirs in zip(paths, ansible_answers(paths), strict=True):
        found = [*_compare(path, theirs, outcomes)]
        disagreements += [f"{path}: {line}" for line in found]
    outcomes["disagreements"] = len(disagreements)
    return outcomes, disagreements


def _compare(path: Path, theirs: dict[str, Any] | None, outcomes: Counter[str]) -> list[str]:
    try:
        file = open_inventory(path)
    except InventoryError as error:
        if theirs is None:
            outcomes["files both refuse"] += 1
            return []
        if error.message.endswith("no group of hosts in this file") and not _groups(theirs):
            outcomes["files without a group"] += 1
            return []
        return [f"only we refuse the file: {error.message}"]
    if theirs is None:
        return ["only Ansible refuses the file"]
    outcomes["files both read"] += 1
    groups = _groups(theirs)
    if {*file.groups} != {*groups}:
        return [f"groups: ours {sorted(file.groups)}, Ansible's {sorted(groups)}"]
    return [
        line
        for group, hosts in groups.items()
        for line in _group(file, group, hosts, theirs["hosts"], outcomes)
    ]


def _groups(theirs: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: hosts for name, hosts in theirs["groups"].items() if name not in ("all", "ungrouped")}


def _group(
    file: InventoryFile, group: str, hosts: list[str], variables: Mapping[str, Any], outcomes: Counter[str]
) -> list[str]:
    reasons = [f"{host}: {reason}" for host in hosts if (reason := _reason(variables[host]))]
    try:
        ours = file.read([group]).groups[group]
    except InventoryError as error:
        if reasons or (not hosts and "is empty" in error.message) or _OURS_ONLY.search(error.message):
            outcomes["groups refused with a reason"] += 1
            return []
        return [f"only we refuse {group}: {error.message}"]
    if reasons:
        return [f"we read {group} although {reasons[0]}"]
    outcomes["groups compared"] += 1
    outcomes["hosts compared"] += len(hosts)
    if {host.name for host in ours} != {*hosts}:
        return [f"hosts of {group}: ours {[host.name for host in ours]}, Ansible's {hosts}"]
    return [line for host in ours for line in _host(host, variables[host.name])]


def _host(host: Host, theirs: Mapping[str, Any]) -> list[str]:
    wrong = []
    for part, usual in (("address", host.name), ("port", 22), ("user", "root")):
        value = _part(theirs, part)
        expected = str(usual if value is None else value)
        if str(getattr(host, part)) != (str(int(expected)) if part == "port" else expected):
            wrong.append(f"{host.name}: {part} ours {getattr(host, part)!r}, Ansible's {value!r}")
    for name in {*host.data, *host.unread, *theirs}:
        if name.startswith("ansible_") or name == "private_address":
            continue
        value = theirs.get(name)
        if name in host.unread:
            # A value that we say we cannot know, and that Ansible keeps for itself as well.
            if not re.search(r"\(encrypted\)|\(\w+Date\w*\)|\{\{|\{%", repr(value)):
                wrong.append(f"{host.name}: {name} is not known to us, Ansible's {value!r}")
        elif _comparable(host.data.get(name)) != _comparable(value):
            wrong.append(f"{host.name}: {name} ours {host.data.get(name)!r}, Ansible's {value!r}")
    return wrong


def _part(theirs: Mapping[str, Any], part: str) -> Any:
    return next((theirs[name] for name in _PARTS[part] if theirs.get(name) is not None), None)


def _comparable(value: object) -> str:
    """With the kind of each value: 22 and "22" are two."""
    return repr([*value] if isinstance(value, tuple) else value)


def _reason(theirs: Mapping[str, Any] | None) -> str:
    """Why a host cannot be used here, told from Ansible's own answer; empty where it can."""
    if theirs is None:
        return "Ansible cannot load its variables"
    if theirs.get("ansible_connection") not in (None, "ssh", "smart", "paramiko", "paramiko_ssh"):
        return "another connection than SSH"
    for name in theirs:
        if theirs[name] not in (None, "") and ("pass" in name or name == "ansible_ssh_common_args"):
            return name
    for part in ("address", "user"):
        value = _part(theirs, part)
        odd = type(value) is not int and not (isinstance(value, str) and value.strip())
        if value is not None and (odd or re.search(r"\s|^-|\{\{|^\(\w+\)$", str(value))):
            return f"{part} {value!r}"
    private = theirs.get("private_address")
    if private is not None and (not isinstance(private, str | int) or isinstance(private, bool)):
        return f"private_address {private!r}"
    if private is not None and re.search(r"\s|^-|\{\{|^$|^\(\w+\)$", str(private)):
        return f"private_address {private!r}"
    port = _part(theirs, "port")
    if port is not None and (isinstance(port, bool) or not re.fullmatch(r"\d{1,5}", str(port), re.ASCII)):
        return f"port {port!r}"
    if port is not None and not 0 < int(port) < 65536:
        return f"port {port!r}"
    return ""


def _main() -> int:
    asked = options(__doc__, 1000, keep=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(asked.keep or temporary) / f"seed-{asked.seed}"
        return show(asked, *compare_inventories(asked.count, asked.seed, folder))


if __name__ == "__main__":
    sys.exit(_main())
