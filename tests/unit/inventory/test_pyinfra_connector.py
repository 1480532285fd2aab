"""`pyinfra @ini/hosts.ini`: an inventory in Ansible's style for plain pyinfra."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyinfra.api.exceptions import InventoryError

from pipeline.inventory.pyinfra_connector import IniConnector


def test_each_host_comes_with_its_data_and_its_groups(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text(
        "[blue]\nb ansible_host=10.0.0.1 listen=8080\n[canary:children]\nblue\n"
    )
    [(name, data, groups)] = IniConnector.make_names_data(str(tmp_path / "hosts.ini"))
    assert (name, data["ssh_hostname"], data["listen"]) == ("b", "10.0.0.1", 8080)
    assert sorted(groups) == ["blue", "canary"]


def test_data_whose_value_cannot_be_known_is_refused_with_its_line(tmp_path: Path) -> None:
    """A deploy would take the usual value instead, and nobody would know."""
    (tmp_path / "hosts.ini").write_text("[blue]\nb ansible_host=10.0.0.1 listen='{{ port }}'\n")
    with pytest.raises(InventoryError, match=r"hosts\.ini:2: 'listen' is a template"):
        list(IniConnector.make_names_data(str(tmp_path / "hosts.ini")))


def test_a_file_that_cannot_be_read_is_pyinfras_own_error(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match=r"cannot be read|there is no"):
        list(IniConnector.make_names_data(str(tmp_path / "none.ini")))
