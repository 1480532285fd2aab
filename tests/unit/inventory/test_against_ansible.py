"""Random inventories, read by ansible-core and by us: the same groups, hosts and values."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.inputs.ansible_answers import ansible_answers
from bench.inputs.fuzz_inventories import fuzz_inventories
from bench.inputs.inventories import compare_inventories


def test_sixty_random_inventories_mean_the_same_to_both(tmp_path: Path) -> None:
    outcomes, disagreements = compare_inventories(60, 13, tmp_path / "some")
    assert disagreements == []
    assert outcomes["hosts compared"] > 100


def test_broken_inventories_are_refused_or_give_hosts_that_ansible_sees(tmp_path: Path) -> None:
    outcomes, wrong = fuzz_inventories(150, 13, tmp_path / "some")
    assert wrong == []
    assert outcomes["refused"] > 50


def test_the_answers_are_those_of_the_command_itself(tmp_path: Path) -> None:
    path = tmp_path / "hosts.ini"
    path.write_text("[web]\nweb[1:2]:2222 listen=80\n[site:children]\nweb\n[site:vars]\nnote=a # b\n")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "web.yml").write_text("ansible_user: deploy\n")
    (tmp_path / "ansible.cfg").touch()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "ansible.cli.inventory", "-i", str(path), "--list"],
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
            "ANSIBLE_HOME": str(tmp_path),
            "ANSIBLE_LOCAL_TEMP": str(tmp_path),
            "LC_ALL": "C.UTF-8",
        },
    )
    (answer,) = ansible_answers([path])
    assert answer is not None
    assert answer["hosts"] == json.loads(done.stdout)["_meta"]["hostvars"]
