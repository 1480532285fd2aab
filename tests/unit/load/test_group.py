"""The group `loaders`, in each form of inventory, and what is said where it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import InventoryError
from pipeline.load.group import loader_hosts

FORMS = {
    "hosts.ini": """\
[loaders]
load1 ansible_host=203.0.113.21 ansible_user=admin
load2 ansible_host=203.0.113.22 ansible_user=admin

[web]
shop ansible_host=203.0.113.9
""",
    "python.ini": """\
[all]
loaders = [
    ("load1", {"ssh_hostname": "203.0.113.21", "ssh_user": "admin"}),
    ("load2", {"ssh_hostname": "203.0.113.22", "ssh_user": "admin"}),
    ]
web = ["shop"]
""",
    "hosts.yml": """\
all:
  vars: {ansible_user: admin}
  children:
    loaders:
      hosts:
        load1: {ansible_host: 203.0.113.21}
        load2: {ansible_host: 203.0.113.22}
    web: {hosts: {shop: {}}}
""",
}


@pytest.mark.parametrize("name", FORMS)
def test_the_hosts_of_the_group_are_found_in_every_form_of_inventory(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(FORMS[name])
    found = [(host.name, host.address, host.user) for host in loader_hosts(path)]
    assert found == [("load1", "203.0.113.21", "admin"), ("load2", "203.0.113.22", "admin")]


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("web", "no group 'loaders', whose hosts send the load; it has web"),
        ("loader", "no group 'loaders', whose hosts send the load: did you mean 'loader'?"),
    ],
)
def test_an_inventory_without_the_group_is_one_line_with_what_to_add(
    group: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "hosts.ini"
    path.write_text(f"[{group}]\nshop\n")
    with pytest.raises(InventoryError) as caught:
        loader_hosts(path)
    assert caught.value.message == f"{path}: {said}"
    assert caught.value.hint == "add the group loaders with a line for each host: inventories/README.md"


def test_an_empty_group_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "hosts.ini"
    path.write_text("[web]\nshop\n[loaders]\n")
    with pytest.raises(InventoryError, match=r"hosts\.ini:3: group 'loaders' is empty"):
        loader_hosts(path)
