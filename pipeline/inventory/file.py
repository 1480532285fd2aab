"""Inventory files: read in three forms, written in one.

The first form is Python under `[all]`, which plain pyinfra reads as well::

    [all]
    blue = [("blue", {"ssh_hostname": "203.0.113.11", "ssh_user": "admin", "ssh_key": "~/.ssh/lab"})]

The others are Ansible's, INI::

    [blue]
    blue1 ansible_host=203.0.113.11 ansible_user=admin ansible_ssh_private_key_file=~/.ssh/lab

and YAML. `group_data/` (pyinfra), `group_vars/` and `host_vars/` (Ansible) beside the file belong to it. Nothing is
executed here. A relative path of a key is taken from the working directory, as pyinfra and Ansible have it.
"""

from __future__ import annotations

import ast
import keyword
import pprint
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

from pipeline.base.errors import InventoryError
from pipeline.base.files import write_whole
from pipeline.base.text import reason_of
from pipeline.inventory.ansible import AnsibleInventory
from pipeline.inventory.ansible_ini import read_ini
from pipeline.inventory.ansible_vars import VAULT, VarsFolders
from pipeline.inventory.ansible_yaml import read_yaml_inventory
from pipeline.inventory.entries import Grouped, Problems, hosts_of
from pipeline.inventory.group_data import GroupData
from pipeline.inventory.hosts import Host, Inventory
from pipeline.inventory.python import read_python
from pipeline.inventory.yamltree import Tree, TreeError

__all__ = [
    "InventoryFile",
    "host_data",
    "inventory_text",
    "open_inventory",
    "python_groups",
    "read_inventory",
    "write_inventory",
]

_EXAMPLES = "see inventories/README.md for examples"
_LARGEST = 5_000_000  # bytes
# A group of the Python form; and a header, of which that form has only [all].
_ASSIGNMENT = re.compile(r"^\w+[ \t]*=[ \t]*[\[(]", re.MULTILINE)
_OTHER_HEADER = re.compile(r"^\[(?!all\])[^\s\[\],'\"]+\][ \t]*(?:#.*)?$", re.MULTILINE)
_YAML_SUFFIXES = (".yml", ".yaml", ".json")
# What a YAML file mostly begins with.
_YAML = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*(?:---|[\w.-]+:[ \t]*(?:#[^\n]*)?(?:\n|$)|\{)")


class InventoryFile:
    """An inventory file whose groups are known; what its hosts are is told for the groups that are wanted.

    `problems` holds what is wrong with the file as a whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems = Problems(str(path))
        self._grouped = _grouped(path, _text(path), self.problems)
        if not self.groups and not self.problems:
            self.problems.add(1, "no group of hosts in this file")

    @property
    def groups(self) -> Mapping[str, int]:
        """The groups, each with the line it starts in."""
        return self._grouped.lines

    def read(self, groups: Sequence[str] | None = None) -> Inventory:
        """The hosts of those of `groups` that the file has, or of all.

        Raises InventoryError with every problem that matters for these groups, one `FILE:LINE: what is wrong` a line.
        An empty group is a problem only where it is one of `groups`.
        """
        problems = Problems(str(self.path))
        problems.found += self.problems.found
        wanted = [name for name in self.groups if groups is None or name in groups]
        hosts = hosts_of(self._grouped, wanted, problems, filled=groups is not None)
        problems.raise_if_any()
        return Inventory(hosts, self.path)


def open_inventory(path: Path) -> InventoryFile:
    """The groups of an inventory file. Raises InventoryError with what is wrong with the file as a whole."""
    file = InventoryFile(path)
    file.problems.raise_if_any()
    return file


def read_inventory(path: Path, groups: Sequence[str] | None = None) -> Inventory:
    """The hosts of an inventory file, in its groups: of those of `groups` that it has, or of all.

    Raises InventoryError as `open_inventory` and `InventoryFile.read` do.
    """
    return InventoryFile(path).read(groups)


def _text(path: Path) -> str:
    try:
        if path.is_dir():
            raise InventoryError(f"{path}: is a directory; name one file", hint=_to_yaml(path))
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
        text = raw.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InventoryError(f"{path}: cannot be read: {reason}", hint=_EXAMPLES) from error
    if len(raw) > _LARGEST:
        raise InventoryError(f"{path}: cannot be read: it is larger than {_LARGEST:,} bytes", hint=_EXAMPLES)
    return text


def _to_yaml(path: Path) -> str:
    """How Ansible itself makes a file of what only it can read."""
    return f"ansible-inventory -i {shlex.quote(str(path))} --list --yaml --output hosts.yml"


def _grouped(path: Path, text: str, problems: Problems) -> Grouped:
    """The groups of a text, by the form it is in."""
    made_by = ""
    group_data = _group_data(path)
    if text.startswith(VAULT):
        made_by = "encrypted with ansible-vault"
    elif path.suffix == ".toml":
        made_by = "Ansible's TOML form, which is not read here"
    elif _ASSIGNMENT.search(text) and not _OTHER_HEADER.search(text) and path.suffix not in _YAML_SUFFIXES:
        return read_python(text, group_data, path.stem, problems)
    elif text.startswith("#!"):
        made_by = "a script, and nothing is executed here"
    elif path.suffix in _YAML_SUFFIXES or (not path.suffix and _is_yaml(text)):
        groups = read_yaml_inventory(text, problems, _to_yaml(path))
        return AnsibleInventory(groups, VarsFolders(path.parent), group_data)
    if made_by:
        raise InventoryError(f"{path}:1: {made_by}", hint=_to_yaml(path))
    return AnsibleInventory(read_ini(text, problems), VarsFolders(path.parent), group_data)


def _is_yaml(text: str) -> bool:
    """Whether a file without a suffix is in the YAML form, which Ansible tries before the INI form."""
    if _YAML.match(text):
        return True
    try:
        return isinstance(Tree(text).root, yaml.MappingNode)
    except TreeError:
        return False


def _group_data(path: Path) -> GroupData:
    """Where pyinfra looks: the working directory, then beside the inventory."""
    here, beside = Path("group_data"), path.parent / "group_data"
    return GroupData([beside] if path.parent.resolve() == Path.cwd() else [here, beside])


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
