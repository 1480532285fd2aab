"""What Ansible's variables mean here, and that only those of the wanted hosts can refuse a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.base.errors import InventoryError
from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Host


def hosts(tmp_path: Path, text: str, group: str = "web") -> tuple[Host, ...]:
    path = tmp_path / "hosts.ini"
    path.write_text(text)
    return read_inventory(path, [group]).groups[group]


def refusal(tmp_path: Path, text: str, groups: Sequence[str] = ("web",)) -> str:
    (tmp_path / "hosts.ini").write_text(text)
    with pytest.raises(InventoryError) as caught:
        read_inventory(tmp_path / "hosts.ini", groups)
    return caught.value.message.removeprefix(f"{tmp_path}/")


def test_ports_and_ipv6_addresses_stand_in_the_hosts_name(tmp_path: Path) -> None:
    found = hosts(tmp_path, "[web]\nweb1:2022\n[2001:db8::7]:2222\n10.0.0.1\n")
    assert [(host.address, host.port) for host in found] == [
        ("web1", 2022),
        ("2001:db8::7", 2222),
        ("10.0.0.1", 22),
    ]


def test_of_two_groups_the_deeper_then_the_later_name_wins_and_a_child_over_its_parents(
    tmp_path: Path,
) -> None:
    text = (
        "[web]\nw\n[b:children]\nweb\n[a:children]\nweb\n[top:children]\nb\n"
        "[web:vars]\nx=web\n[a:vars]\nx=a\ny=a\n[b:vars]\ny=b\nz=b\n[top:vars]\nz=top\nv=top\n[all:vars]\nv=all\nu=all\n"
    )
    (web,) = hosts(tmp_path, text)
    # b is deeper than a, for it is below top.
    assert web.data == {"x": "web", "y": "b", "z": "b", "v": "top", "u": "all"}


def test_a_priority_decides_between_groups_of_one_depth(tmp_path: Path) -> None:
    text = "[a]\nw\n[web]\nw\n[a:vars]\nx=a\nansible_group_priority=10\n[web:vars]\nx=web\n"
    (web,) = hosts(tmp_path, text)
    assert web.data == {"x": "a"}


def test_a_group_may_be_named_as_a_child_before_it_is_there(tmp_path: Path) -> None:
    assert [host.name for host in hosts(tmp_path, "[web:children]\nlater\n[later]\na\nb\n")] == ["a", "b"]


def test_a_host_twice_in_a_group_is_one_host_with_the_variables_of_both_lines(tmp_path: Path) -> None:
    (web,) = hosts(tmp_path, "[web]\nw x=1 y=1\nw x=2\n")
    assert web.data == {"x": 2, "y": 1}


def test_a_note_behind_a_number_in_vars_is_a_note(tmp_path: Path) -> None:
    (web,) = hosts(tmp_path, "[web]\nw\n[web:vars]\nansible_port=2222 # note\n")
    assert web.port == 2222


def test_the_older_names_win_over_the_newer_as_in_ansible(tmp_path: Path) -> None:
    (web,) = hosts(
        tmp_path,
        "[web]\nw ansible_host=10.0.0.1 ansible_ssh_host=10.0.0.2 ansible_user=a ansible_ssh_user=b\n",
    )
    assert (web.address, web.user) == ("10.0.0.2", "b")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "localhost ansible_connection=local",
        "other ansible_password=secret",
        "other ansible_ssh_private_key_file=/no/such/key",
        "other ansible_port=none",
        "other ansible_hots=10.0.0.9",
        "other ansible_host={{address}}",
        "other$",
    ],
)
def test_what_is_wrong_outside_the_wanted_group_does_not_matter(tmp_path: Path, elsewhere: str) -> None:
    text = f"[web]\nw ansible_host=10.0.0.1\n[elsewhere]\n{elsewhere}\n[empty]\n"
    assert [host.address for host in hosts(tmp_path, text)] == ["10.0.0.1"]
    assert refusal(tmp_path, text, ["elsewhere"]).startswith("hosts.ini:4: ")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "ansible_become_pass=x",
            "'ansible_become_pass': passwords are not taken, name a key file or use an agent",
        ),
        ("ansible_connection=docker", "ansible_connection=docker: only hosts reached by SSH can be used"),
        ("ssh_user=x", "'ssh_user' is pyinfra's; in an Ansible inventory write ansible_user"),
        (
            "ansible_host={{ip}}",
            "ansible_host of 'w' is a template, and none is filled in here: write the value itself",
        ),
        (
            "ansible_ssh_common_args='-J admin@bastion'",
            "ansible_ssh_common_args is not taken: jump hosts and other options belong into your SSH configuration, "
            "which is read; in ~/.ssh/config write `Host w` and below it `ProxyJump admin@bastion`",
        ),
        (
            "ansible_host=10.0.0.7 ansible_ssh_extra_args='-o ProxyCommand=\"ssh -W %h:%p b\"'",
            "ansible_ssh_extra_args is not taken: jump hosts and other options belong into your SSH configuration, "
            "which is read; in ~/.ssh/config write `Host 10.0.0.7` and below it `ProxyCommand ssh -W %h:%p b`",
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_what_to_write(tmp_path: Path, line: str, expected: str) -> None:
    assert refusal(tmp_path, f"[web]\nw {line}\n") == f"hosts.ini:2: {expected}"


def test_options_of_ssh_that_change_neither_host_nor_user_are_passed_over(tmp_path: Path) -> None:
    args = "ansible_ssh_common_args='-o StrictHostKeyChecking=no -o ControlPersist=60s'"
    assert [host.name for host in hosts(tmp_path, f"[web]\nw {args}\n")] == ["w"]


def test_a_port_behind_a_name_that_was_there_before_is_refused_as_ansible_passes_over_it(
    tmp_path: Path,
) -> None:
    said = refusal(tmp_path, "[site]\nw\n[web]\nw:2222\n")
    assert said == (
        "hosts.ini:4: Ansible takes no port for 'w' here, as line 2 names it before: write ansible_port=2222"
    )


def test_data_that_is_a_template_is_kept_apart_with_its_line(tmp_path: Path) -> None:
    (web,) = hosts(tmp_path, "[web]\nw listen=8080 note='{{ x }}'\n")
    assert web.data == {"listen": 8080}
    assert web.unread == {
        "note": f"{tmp_path}/hosts.ini:2: 'note' is a template, and none is filled in here: write the value itself"
    }


def test_pyinfras_group_data_holds_where_ansible_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "group_data").mkdir()
    (tmp_path / "group_data" / "web.py").write_text("ssh_user = 'deploy'\nssh_port = 2222\n")
    (web,) = hosts(tmp_path, "[web]\nw ansible_port=22\n")
    assert (web.user, web.port) == ("deploy", 22)
