"""group_data/ beside an inventory of the Python form; pyinfra itself says which value wins."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.errors import InventoryError
from pipeline.inventory.file import host_data, read_inventory
from pipeline.inventory.hosts import Inventory

# pyinfra brings gevent, so it gets a process of its own.
PYINFRA = """\
import json, os, sys
from pyinfra.api.state import State
from pyinfra.context import ctx_config, ctx_state
from pyinfra.api.config import Config
from pyinfra_cli.inventory import make_inventory
ctx_state.set(State())
ctx_config.set(Config())
found = make_inventory(sys.argv[1], cwd=os.getcwd())
print(json.dumps({host.name: host.data.dict() for host in found}))
"""


def read(tmp_path: Path, text: str, files: dict[str, str], groups: list[str] | None = None) -> Inventory:
    (tmp_path / "hosts.ini").write_text(text)
    for name, content in files.items():
        path = tmp_path / "group_data" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return read_inventory(tmp_path / "hosts.ini", groups)


def refusal(tmp_path: Path, content: str) -> str:
    with pytest.raises(InventoryError) as caught:
        read(tmp_path, '[all]\nweb = ["w"]\n', {"web.py": content})
    return caught.value.message.removeprefix(f"{tmp_path}/")


def test_the_values_are_those_that_pyinfra_has(tmp_path: Path) -> None:
    text = (
        "all = (['a', ('b', {'own': 'all'}), 'c'], {'x': 'all', 'y': 'all', 'z': 'all', 'v': 'all'})\n"
        "web = (['a', ('b', {'own2': 'web'})], {'x': 'web', 'y': 'web', 'ssh_user': 'web'})\n"
        "db = (['b', ('c', {'ssh_port': 2222, 'ssh_hostname': '10.0.0.3'})], {'x': 'db'})\n"
    )
    files = {
        "all.py": "v = 'all.py'\nu: int = 3\n",
        "web.py": "import os\nfrom os import path\ny = 'web.py'\nlisten = [80, {'a': None}]\n_z = 1\n",
        "db.py": "'''Text.'''\n__all__ = ['x', 'ssh_user']\nx = ssh_user = 'db.py'\nhidden = 1\n",
        "hosts.py": "last = 'of the file'\n",
        "other.py": "x = 'other'\n",
    }
    ours = {host.name: host_data(host) for host in read(tmp_path, text, files)}
    done = subprocess.run(
        [sys.executable, "-c", PYINFRA, "hosts.ini"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    theirs: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    for name, data in theirs.items():
        data.setdefault("ssh_hostname", name)
        data.setdefault("ssh_user", "root")
    assert ours == theirs


def test_user_and_address_come_from_the_folder(tmp_path: Path) -> None:
    found = read(
        tmp_path, '[all]\nweb = ["w"]\n', {"web.py": "ssh_user = 'deploy'\nssh_hostname = '10.0.0.1'\n"}
    )
    assert (found.one("web").user, found.one("web").address) == ("deploy", "10.0.0.1")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("import os\nssh_user = os.environ['USER']\n", "2: ssh_user of 'w' is computed, and nothing is computed here: "
         "write the value itself"),
        ("if True:\n    ssh_user = 'x'\n", "1: only NAME = VALUE is understood here; nothing is run"),
        ("from common import *\n", "1: only NAME = VALUE is understood here; nothing is run"),
        ("ssh_user = [\n", "1: not Python: '[' was never closed"),
        ("ssh_pasword = 'x'\n", "1: 'ssh_pasword': passwords are not taken, name a key file or use an agent"),
        ("ssh_hostnam = 'x'\n", "1: no key 'ssh_hostnam'; did you mean 'ssh_hostname'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_line_there(tmp_path: Path, content: str, expected: str) -> None:
    assert refusal(tmp_path, content) == f"group_data/web.py:{expected}"


def test_computed_data_is_kept_apart(tmp_path: Path) -> None:
    host = read(tmp_path, '[all]\nweb = ["w"]\n', {"web.py": "listen = 80 + 1\ndef f(): ...\n"}).one("web")
    assert (host.data, sorted(host.unread)) == ({}, ["f", "listen"])


def test_a_file_of_another_group_does_not_matter(tmp_path: Path) -> None:
    text = '[all]\nweb = ["w"]\ndb = ["d"]\n'
    assert read(tmp_path, text, {"db.py": "raise SystemExit\n"}, ["web"]).one("web").user == "root"


def test_an_odd_number_is_refused_without_a_warning_of_pythons(tmp_path: Path) -> None:
    assert refusal(tmp_path, "listen = 80and 1\nssh_port = 1if 1 else 2\n").startswith(
        "group_data/web.py:2: ssh_port of"
    )
