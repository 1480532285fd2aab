"""Which hosts of an inventory a deploy is for, and what refuses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import InventoryError
from pipeline.deploy.applications import find_application
from pipeline.deploy.target_hosts import target_hosts

HOSTS = "[itrust]\nclinic ansible_host=10.0.0.1\n[elsewhere]\nlocalhost ansible_connection=local\n[empty]\n"


def test_what_cannot_be_used_in_another_group_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text(HOSTS)
    assert [host.address for host in target_hosts(find_application("iTrust"), tmp_path / "hosts.ini")] == [
        "10.0.0.1"
    ]


def test_data_that_the_deploy_reads_must_be_known(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text(HOSTS)
    (tmp_path / "group_vars").mkdir()
    variables = tmp_path / "group_vars" / "itrust.yml"
    variables.write_text("unrelated: '{{ x }}'\n")
    assert len(target_hosts(find_application("iTrust"), tmp_path / "hosts.ini")) == 1
    variables.write_text("environment: '{{ x }}'\n")
    with pytest.raises(InventoryError, match=r"group_vars/itrust\.yml:1: 'environment' is a template"):
        target_hosts(find_application("iTrust"), tmp_path / "hosts.ini")
