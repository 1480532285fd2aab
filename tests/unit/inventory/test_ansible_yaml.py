"""Ansible's YAML form."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import InventoryError
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Inventory

HOSTS = """\
all:
  vars: {ansible_user: admin}
  children:
    web:
      hosts:
        web[01:02].example.com:
          ansible_host: 10.0.0.1
        "[2001:db8::7]:2222":
      vars:
        listen: 8080
    site:
      children: {web: }
      vars: {listen: 80, note: above}
"""


def read(tmp_path: Path, text: str, name: str = "hosts.yml", group: str = "web") -> Inventory:
    (tmp_path / name).write_text(text)
    return read_inventory(tmp_path / name, [group])


@pytest.mark.parametrize("name", ["hosts.yml", "hosts.yaml", "hosts"])
def test_groups_hosts_and_variables(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, HOSTS, name).groups["web"]
    assert [(host.name, host.address, host.port, host.user) for host in found] == [
        ("web01.example.com", "10.0.0.1", 22, "admin"),
        ("web02.example.com", "10.0.0.1", 22, "admin"),
        ("2001:db8::7", "2001:db8::7", 2222, "admin"),
    ]
    assert [host.data for host in found] == [{"listen": 8080, "note": "above"}] * 3


def test_json_is_read_as_well(tmp_path: Path) -> None:
    text = '{"web": {"hosts": {"w": {"ansible_host": "10.0.0.1", "path": "a\\/b"}}}}'
    host = read(tmp_path, text, "hosts.json").one("web")
    assert (host.address, host.data) == ("10.0.0.1", {"path": "a/b"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web:\n  hots: {a: }\n", "2: group 'web' has no 'hots': hosts, vars and children are its keys"),
        ("web:\n  hosts: [a]\n", "2: hosts of group 'web': must be a mapping of keys to values"),
        ("web:\n  hosts: {1: }\n", "2: hosts of group 'web': a key must be text: write it in quotes"),
        ("web:\n  hosts: {a: x}\n", "2: host 'a': must be a mapping of keys to values"),
        (
            "web:\n  hosts: {a: }\n  hosts: {b: }\n",
            "3: 'hosts' of group 'web' is given twice, first in line 2",
        ),
        ("web:\n  hosts:\n    a: {}\n    a: {}\n", "4: host 'a' is given twice, first in line 3"),
        ("web:\n  children:\n    web: {}\n", "3: group 'web' is inside itself"),
        ("- web\n", "1: the inventory: must be a mapping of keys to values"),
        ("web: [\n", "2: not YAML: expected the node content, but found '<stream end>'"),
        ("# nothing\n", "1: no group of hosts in this file"),
        ("web: &w\n  children:\n    x: *w\n", "2: nested too deeply"),
    ],
)
def test_a_problem_is_told_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(InventoryError) as caught:
        read(tmp_path, text)
    if "nested" in expected:
        assert "inside itself" in caught.value.message
    else:
        assert caught.value.message.removeprefix(f"{tmp_path}/hosts.yml:") == expected


def test_what_is_wrong_in_another_group_does_not_matter(tmp_path: Path) -> None:
    text = "web: {hosts: {w: }}\nother: {hosts: {o: {ansible_password: x}}, hots: {p: }}\n"
    assert read(tmp_path, text).one("web").name == "w"
