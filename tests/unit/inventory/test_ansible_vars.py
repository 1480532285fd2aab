"""group_vars/ and host_vars/ beside an inventory: which files hold, and which value wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import InventoryError
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Host

HOSTS = "[web]\nweb1 ansible_host=10.0.0.1 own=inventory\n[web:vars]\nansible_user=inventory\n[db]\ndb1\n"


def web(tmp_path: Path, files: dict[str, str], text: str = HOSTS) -> Host:
    (tmp_path / "hosts.ini").write_text(text)
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return read_inventory(tmp_path / "hosts.ini", ["web"]).one("web")


def refusal(tmp_path: Path, files: dict[str, str]) -> str:
    with pytest.raises(InventoryError) as caught:
        web(tmp_path, files)
    return caught.value.message.removeprefix(f"{tmp_path}/")


def test_user_port_and_address_come_from_the_files_beside(tmp_path: Path) -> None:
    files = {
        "group_vars/all.yml": "ansible_user: everybody\nansible_port: 2022\n",
        "group_vars/web.yml": "ansible_user: deploy\n",
        "host_vars/web1.yml": "ansible_host: 10.9.9.9\n",
    }
    found = web(tmp_path, files)
    assert (found.address, found.port, found.user) == ("10.9.9.9", 2022, "deploy")


def test_even_group_vars_of_all_win_over_a_groups_variables_in_the_inventory(tmp_path: Path) -> None:
    assert web(tmp_path, {"group_vars/all": "ansible_user: files\n"}).user == "files"


def test_a_hosts_own_variables_win_over_group_vars(tmp_path: Path) -> None:
    assert web(tmp_path, {"group_vars/web.yml": "own: group\n"}).data == {"own": "inventory"}


@pytest.mark.parametrize(
    "name", ["web", "web.yml", "web.yaml", "web.json", "web/a.yml", "web/inner/a", "web.yml/a.json"]
)
def test_names_that_ansible_takes(tmp_path: Path, name: str) -> None:
    assert web(tmp_path, {f"group_vars/{name}": '{"ansible_user": "files"}'}).user == "files"


@pytest.mark.parametrize(
    "name", ["web.txt", "web/.a.yml", "web/a.yml~", "web/README.md", "web/inner.d/a.yml", "Web.yml", "db.yml"]
)
def test_names_that_ansible_passes_over(tmp_path: Path, name: str) -> None:
    assert web(tmp_path, {f"group_vars/{name}": "ansible_user: files\n"}).user == "inventory"


def test_in_a_folder_the_later_name_wins_and_a_file_of_the_same_name_is_not_taken(tmp_path: Path) -> None:
    files = {
        "group_vars/web/b.yml": "ansible_user: second\n",
        "group_vars/web/a.yml": "ansible_user: first\nansible_port: 2022\n",
        "group_vars/web.yml": "ansible_user: file\n",
    }
    found = web(tmp_path, files)
    assert (found.user, found.port) == ("second", 2022)


def test_an_encrypted_file_is_refused_by_name_for_its_own_hosts_only(tmp_path: Path) -> None:
    vault = "$ANSIBLE_VAULT;1.1;AES256\n6162\n"
    assert web(tmp_path, {"group_vars/db/vault.yml": vault}).user == "inventory"
    assert refusal(tmp_path, {"group_vars/all/vault.yml": vault}) == (
        f"{tmp_path}/group_vars/all/vault.yml:1: encrypted with ansible-vault, so where its hosts are is not known: "
        "give an inventory without it, with every value in the file itself"
    ).removeprefix(f"{tmp_path}/")


def test_an_encrypted_value_matters_only_where_it_is_used(tmp_path: Path) -> None:
    text = "{}: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n"
    found = web(tmp_path, {"group_vars/web.yml": text.format("db_key")})
    assert found.unread == {
        "db_key": f"{tmp_path}/group_vars/web.yml:1: 'db_key' is encrypted with ansible-vault"
    }
    assert refusal(tmp_path, {"group_vars/web.yml": text.format("ansible_port")}) == (
        "group_vars/web.yml:1: ansible_port of 'web1' is encrypted with ansible-vault"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("- a\n", "1: the file: must be a mapping of keys to values"),
        ("a: 1\n---\nb: 2\n", "2: not YAML: but found another document"),
        ("a: 1\nansible_user: [\n", "3: not YAML: expected the node content, but found '<stream end>'"),
        ("a: !odd 1\n", "1: not YAML that Ansible reads: the tag '!odd' is unknown"),
        ("ansible_user: a\nansible_user: b\n", "2: ansible_user of 'web1' is given twice, first in line 1"),
        ("ansible_user: \"{{ admin }}\"\n", "1: ansible_user of 'web1' is a template, and none is filled in here: "
         "write the value itself"),
        ("ansible_user: [a]\n", "1: ansible_user must be text, not ['a']"),
        ("ansible_port: 12:30\n", None),
        ("ansible_password: x\n", "1: 'ansible_password': passwords are not taken, name a key file or use an agent"),
        (f"a: {'[' * 50}{']' * 50}\n", "1: nested too deeply"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_told_with_its_line_there(
    tmp_path: Path, content: str, expected: str | None
) -> None:
    files = {"group_vars/web.yml": content}
    if expected is None:
        assert web(tmp_path, files).port == 750  # as YAML 1.1 has it, and Ansible
    else:
        assert refusal(tmp_path, files) == f"group_vars/web.yml:{expected}"


def test_aliases_and_merge_keys_are_followed_but_not_without_end(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    merged = "common: &c\n  ansible_user: merged\n<<: *c\n"
    found = web(tmp_path, {"group_vars/web.yml": merged, "group_vars/all.yml": bomb})
    assert found.user == "merged"
    assert found.unread["a8"].endswith("'a8' is too large or inside itself")


def test_a_name_leads_to_no_file_outside_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.yml").write_text("ansible_user: outside\n")
    (tmp_path / "group_vars").mkdir()
    text = "[../secret]\nweb1\n[web]\nweb1\n"
    assert web(tmp_path, {}, text).user == "root"
