"""Inventory files: read in two forms, written in one.

The first form is Python under `[all]`, which plain pyinfra reads as well::

    [all]
    blue = [("blue", {"ssh_hostname": "203.0.113.11", "ssh_user": "admin", "ssh_key": "~/.ssh/lab"})]

The second is Ansible's::

    [blue]
    blue1 ansible_host=203.0.113.11 ansible_user=admin ansible_ssh_private_key_file=~/.ssh/lab

Neither is executed here. A relative path is taken from the working directory, as pyinfra and Ansible have it.
"""

from __future__ import annotations

import ast
import keyword
import pprint
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.base.errors import InventoryError
from pipeline.base.files import write_whole
from pipeline.inventory.ansible import read_ansible
from pipeline.inventory.entries import Problems, hosts_of
from pipeline.inventory.hosts import Host, Inventory
from pipeline.inventory.python import read_python

__all__ = ["host_data", "inventory_text", "python_groups", "read_inventory", "write_inventory"]

# A group of the Python form. No line of the Ansible form looks like it.
_ASSIGNMENT = re.compile(r"^\w+[ \t]*=[ \t]*[\[(]", re.MULTILINE)


def read_inventory(path: Path) -> Inventory:
    """The hosts of an inventory file, in its groups.

    Raises InventoryError with every problem of the file at once, one `FILE:LINE: what is wrong` a line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InventoryError(
            f"{path}: cannot be read: {reason}", hint="see inventories/README.md for an example"
        ) from error
    problems = Problems(str(path))
    entries = (read_python if _ASSIGNMENT.search(text) else read_ansible)(text, problems)
    groups = hosts_of(entries, problems)
    if not groups and not problems:
        problems.add(1, "no group of hosts in this file")
    problems.raise_if_any()
    return Inventory(groups, path)


def write_inventory(inventory: Inventory, path: Path, comment: str = "") -> None:
    """Write `inventory` in the first form, for `pipeline` and plain pyinfra alike; 0600 where it names keys.

    `comment` is one line that the file begins with.
    Raises InventoryError for what that form cannot hold: a group that is no plain name, data that is code.
    """
    mode = 0o600 if any(host.key is not None for host in inventory) else 0o644
    write_whole(path, inventory_text(inventory, comment), mode=mode)


def inventory_text(inventory: Inventory, comment: str = "") -> str:
    """What `write_inventory` writes."""
    first = f"# {comment}\n" if comment else ""
    return f"{first}# Read by pipeline and by plain pyinfra.\n" + python_groups(inventory, host_data)


def host_data(host: Host) -> dict[str, object]:
    """A host as pyinfra names its parts; what is as usual is left out."""
    data: dict[str, object] = {"ssh_hostname": host.address, "ssh_user": host.user}
    if host.port != 22:
        data["ssh_port"] = host.port
    if host.key is not None:
        data["ssh_key"] = str(host.key)
    if host.known_hosts is not None:
        data["ssh_known_hosts_file"] = str(host.known_hosts)
    if host.private_address != host.address:
        data["private_address"] = host.private_address
    return {**data, **host.data}


def python_groups(inventory: Inventory, data_of: Callable[[Host], Mapping[str, object]]) -> str:
    """The text of an inventory file for pyinfra, each host with what `data_of` gives.

    Everything is written as a Python literal, so that nothing in it can be code.
    """
    lines = ["[all]"]
    for group, hosts in inventory.groups.items():
        if not group.isidentifier() or keyword.iskeyword(group) or group.startswith("_") or group == "all":
            raise InventoryError(f"group '{group}': pyinfra takes only groups that are plain names like blue")
        lines.append(f"{group} = [")
        for host in hosts:
            data = dict(data_of(host))
            text = pprint.pformat(data, width=100, sort_dicts=False)
            try:
                same = ast.literal_eval(text) == data
            except (ValueError, SyntaxError):
                same = False
            if not same:
                raise InventoryError(f"{host.name}: its data holds more than plain text, numbers and lists")
            lines += [f"    ({host.name!r},", *(f"     {line}" for line in text.splitlines()), "    ),"]
        lines.append("    ]")
    return "\n".join(lines) + "\n"
