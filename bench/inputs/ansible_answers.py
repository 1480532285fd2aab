"""What ansible-core makes of inventories: the same calls as `ansible-inventory --list`, many files in one process.

A child of its own, for ansible-core takes seconds to start and changes the process it is in. Standard input is a JSON
list of paths; standard output a JSON list with, for each, `null` where Ansible refuses the file, else groups and the
variables of each host (`null` where Ansible cannot load them).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["ansible_answers"]

_MAGIC = {"inventory_file", "inventory_dir", "inventory_hostname", "inventory_hostname_short", "group_names"}
_MAGIC |= {
    "ansible_facts",
    "playbook_dir",
    "ansible_playbook_python",
    "ansible_config_file",
    "groups",
    "omit",
}
_MAGIC |= {"ansible_version", "ansible_check_mode", "ansible_diff_mode", "ansible_forks", "ansible_run_tags"}
_MAGIC |= {"ansible_inventory_sources", "ansible_skip_tags", "ansible_limit", "ansible_verbosity"}


def ansible_answers(paths: Sequence[Path]) -> list[dict[str, Any] | None]:
    """What Ansible makes of each file. Raises CalledProcessError where ansible-core itself does not start."""
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "ansible.cfg").touch()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE")},
            "ANSIBLE_CONFIG": f"{home}/ansible.cfg",
            "ANSIBLE_HOME": home,
            "ANSIBLE_LOCAL_TEMP": home,
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "bench.inputs.ansible_answers"],
            input=json.dumps([str(path) for path in paths]),
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
    answers: list[dict[str, Any] | None] = json.loads(done.stdout.splitlines()[-1])
    return answers


def _answer(path: str) -> dict[str, Any] | None:
    from ansible.errors import AnsibleError
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.vars.manager import VariableManager

    loader = DataLoader()
    try:
        inventory = InventoryManager(loader=loader, sources=[path])
    except Exception:
        return None
    if not inventory._inventory.processed_sources:
        return None
    manager = VariableManager(loader=loader, inventory=inventory)
    hosts: dict[str, Any] = {}
    for host in inventory.get_hosts("all"):
        try:
            found = manager.get_vars(host=host, include_hostvars=False, stage="all")
        except AnsibleError:
            hosts[str(host.name)] = None
        else:
            hosts[str(host.name)] = {str(k): _plain(v) for k, v in found.items() if k not in _MAGIC}
    groups = {str(name): [str(h.name) for h in group.get_hosts()] for name, group in inventory.groups.items()}
    return {"groups": groups, "hosts": hosts}


def _plain(value: Any) -> Any:
    """A value without the tags that Ansible puts on it."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return int(value)
    if type(value).__name__ == "EncryptedString":
        return "(encrypted)"
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return f"({type(value).__name__})"


if __name__ == "__main__":
    paths = json.load(sys.stdin)
    print(json.dumps([_answer(path) for path in paths]))
