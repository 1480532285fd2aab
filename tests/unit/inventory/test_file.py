"""Inventory files: what is understood, what is refused and how that is said."""

from __future__ import annotations

import runpy
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.base.errors import InventoryError
from pipeline.inventory.file import open_inventory, read_inventory, write_inventory
from pipeline.inventory.hosts import Host, Inventory

EXAMPLES = Path(__file__).parents[3] / "inventories"


def read(tmp_path: Path, text: str, groups: Sequence[str] | None = None) -> Inventory:
    path = tmp_path / "hosts.ini"
    path.write_text(text)
    return read_inventory(path, groups)


def problems(tmp_path: Path, text: str, groups: Sequence[str] | None = None) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        read(tmp_path, text, groups)
    return [line.removeprefix(f"{tmp_path}/hosts.ini:") for line in caught.value.message.splitlines()]


def test_both_examples_describe_the_same_three_hosts() -> None:
    def described(name: str) -> list[tuple[str, str, str]]:
        inventory = read_inventory(EXAMPLES / name)
        hosts = [inventory.one(group) for group in ("proxy", "blue", "green")]
        return [(host.address, host.private_address, host.user) for host in hosts]

    assert described("canary-example.ini") == described("ansible-style-example.ini")
    assert described("canary-example.ini")[1] == ("203.0.113.11", "10.0.0.11", "admin")


def test_what_is_written_is_read_back_the_same(tmp_path: Path) -> None:
    key = tmp_path / "a key"
    key.touch()
    blue = Host(
        "blue", "10.0.0.2", 2222, "admin", key, "192.168.0.2", {"port": ["it's", '"quoted"', "\\ %s"]}
    )
    written = Inventory({"proxy": (Host("proxy", "10.0.0.1"),), "blue": (blue,), "both": (blue,)})
    write_inventory(written, tmp_path / "out.ini")
    assert read_inventory(tmp_path / "out.ini").groups == written.groups


def test_what_is_written_is_python_as_pyinfra_reads_it(tmp_path: Path) -> None:
    write_inventory(Inventory({"blue": (Host("b", "10.0.0.2", 2222, "admin"),)}), tmp_path / "out.ini")
    assert runpy.run_path(str(tmp_path / "out.ini"))["blue"] == [
        ("b", {"ssh_hostname": "10.0.0.2", "ssh_user": "admin", "ssh_port": 2222})
    ]


def test_a_file_that_names_keys_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "out.ini"
    path.touch(mode=0o644)
    write_inventory(Inventory({"blue": (Host("b", "10.0.0.2", key=Path("/k")),)}), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_ansible_values_come_from_the_nearest_place(tmp_path: Path) -> None:
    inventory = read(
        tmp_path,
        """
        [app]
        one ansible_host=10.0.0.1 ansible_port=2201
        two ansible_host=10.0.0.2 ansible_user=own  # a comment
        [app:vars]
        ansible_user = group
        ansible_python_interpreter=/usr/bin/python3
        [site:children]
        app
        [site:vars]
        ansible_user=above
        note=some words
        [all:vars]
        ansible_port=22022
        """,
    )
    one, two = inventory.groups["app"]
    assert (one.user, one.port, two.user, two.port) == ("group", 2201, "own", 22022)
    assert [host.data for host in inventory.groups["site"]] == [{"note": "some words"}] * 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[all]\nblue = [("b", {"ssh_hostnam": "x"})]',
            "2: no key 'ssh_hostnam'; did you mean 'ssh_hostname'?",
        ),
        ('[all]\nblue = [("b", {"sshuser": "x"})]', "2: no key 'sshuser'; did you mean 'ssh_user'?"),
        (
            '[all]\nblue = [("b", {"ssh_password": "x"})]',
            "2: 'ssh_password': passwords are not taken, name a key file or use an agent",
        ),
        ('[all]\nblue = [("b", {"ssh_port": 0})]', "2: ssh_port 0 is no port (1 to 65535)"),
        ('[all]\nblue = [("b", {"ssh_port": True})]', "2: ssh_port True is no port (1 to 65535)"),
        ('[all]\nblue = [("b", {"ssh_user": 7})]', "2: ssh_user must be text, not 7"),
        ('[all]\nblue = [("b", {"ssh_key": "/no/such"})]', "2: no key file /no/such"),
        (
            '[all]\nblue = [("-oProxyCommand=x", {})]',
            "2: host '-oProxyCommand=x': '-oProxyCommand=x' cannot be its address",
        ),
        ('[all]\nblue = [\n  "b",\n  "b",\n  ]', "4: host 'b' is in group 'blue' twice"),
        (
            '[all]\nblue = [("b", {"ssh_port": 1})]\ngreen = [("b", {"ssh_port": 2})]',
            "3: host 'b' is described differently in another group",
        ),
        ("[all]\nblue = [open('x')]", '2: a host must be "name" or ("name", {data})'),
        (
            '[all]\nblue = [("b", {"note": open("x")})]',
            "2: open('x') is not a plain value; nothing is computed here",
        ),
        ("[all]\nblue = [\nimport x", "2: not Python: '[' was never closed"),
        ('[all]\nimport os\nblue = ["b"]', "2: only `[all]` and `group = [hosts]` are understood here"),
        ('[all]\nblue = ["@docker/x"]', "2: host '@docker/x': only hosts reached by SSH can be used"),
        ("[blue]\nb ansible_hots=x", "2: no key 'ansible_hots'; did you mean 'ansible_host'?"),
        ("[blue]\nb ansible_port=70000", "2: ansible_port '70000' is no port (1 to 65535)"),
        (
            "[blue]\nweb[01:3]",
            "2: 'web[01:3]' names no hosts: [01:3]: with leading zeros both ends need as many digits",
        ),
        ("[blue]\nb ansible_user=admin\\ # note", "2: host 'b': 'admin ' cannot be its user"),
        (
            "[blue]\nb\n[blue:vars]\nansible_user=admin # note",
            "4: host 'b': 'admin # note' cannot be its user; a note needs a line of its own",
        ),
        ("[blue]\nb\n[green]\n'' x=1", "4: '' names no hosts: '' is no host's name or address"),
        ("[blue]\nb x={[]:1}", "2: x: '{[]:1}' cannot be read as a value"),
        ("[blue]\nb ansible_host", "2: 'ansible_host' is not name=value"),
        ('[blue]\nb note="x', "2: cannot be read: No closing quotation"),
        (
            "[blue]\nb ansible_connection=local",
            "2: ansible_connection=local: only hosts reached by SSH can be used",
        ),
        ("[blue]\nb\n[site:children]\nbleu", "4: no such group: 'bleu'"),
        ("[blue]\nb\n[bleu:vars]\nansible_user=x", "3: no such group: 'bleu'"),
        ("[a:children]\nb\n[b:children]\na\n", "4: group 'a' is inside itself"),
        ("[bl ue]\nb", "1: [bl ue] is no group: write [name], [name:vars] or [name:children]"),
        ("", "1: no group of hosts in this file"),
    ],
)
def test_a_problem_is_told_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in problems(tmp_path, text)


def test_of_many_problems_ten_are_told_and_how_many_more_there_are(tmp_path: Path) -> None:
    found = problems(tmp_path, "[blue]\n" + "b this is no inventory\n" * 30)
    assert len(found) == 11
    assert found[-1].strip() == "and 20 more problems"


def test_all_problems_are_told_together_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = '[all]\nblue = [("b", {"ssh_port": 99999,\n  "ssh_keyy": "k"})]\ngreen = []\n'
    assert [line[:2] for line in problems(tmp_path, text, ("blue", "green"))] == ["2:", "3:", "4:"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "hosts.ini").write_bytes(content)
    with pytest.raises(InventoryError, match=r"hosts\.ini: cannot be read: "):
        read_inventory(tmp_path / "hosts.ini")


def test_a_group_that_needs_one_host_says_how_many_it_has() -> None:
    with pytest.raises(InventoryError, match="group 'blue' needs exactly one host, it has 0"):
        Inventory({}).one("blue")


@pytest.mark.parametrize("text", ["[all]\nblue = []\ngreen = ['g']", "[blue]\n[green]\ng"])
def test_an_empty_group_is_a_problem_only_of_who_asks_for_it(tmp_path: Path, text: str) -> None:
    assert [host.name for host in read(tmp_path, text, ["green"])] == ["g"]
    assert [line.partition(" ")[2] for line in problems(tmp_path, text, ["blue"])] == [
        "group 'blue' is empty"
    ]


@pytest.mark.parametrize("line", ["web[1:x]", "web$", "web[0:99999999]"])
def test_a_group_whose_line_was_refused_is_not_called_empty(tmp_path: Path, line: str) -> None:
    found = problems(tmp_path, f"[blue]\n{line}\n[green]\ng\n", ["blue"])
    assert len(found) == 1
    assert found[0].startswith(f"2: '{line}' names no hosts: ")


def test_a_list_among_ansibles_variables_does_not_make_it_the_python_form(tmp_path: Path) -> None:
    inventory = read(tmp_path, "[blue]\nb\n[blue:vars]\nports = [80, 443]\n")
    assert inventory.one("blue").data == {"ports": [80, 443]}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("hosts.toml", "[web]\n", "hosts.toml:1: Ansible's TOML form, which is not read here"),
        ("hosts", "#!/bin/sh\necho {}\n", "hosts:1: a script, and nothing is executed here"),
        ("hosts.ini", "$ANSIBLE_VAULT;1.1;AES256\n61\n", "hosts.ini:1: encrypted with ansible-vault"),
        ("aws_ec2.yml", "plugin: aws_ec2\n", "aws_ec2.yml:1: not a list of hosts but what a plugin"),
        ("folder", None, "folder: is a directory; name one file"),
    ],
)
def test_what_only_ansible_can_read_is_told_with_how_to_convert_it(
    tmp_path: Path, name: str, text: str | None, expected: str
) -> None:
    path = tmp_path / name
    path.mkdir() if text is None else path.write_text(text)
    with pytest.raises(InventoryError) as caught:
        read_inventory(path)
    assert caught.value.message.startswith(f"{tmp_path}/{expected}")
    assert caught.value.hint == f"ansible-inventory -i {path} --list --yaml --output hosts.yml"


def test_a_byte_order_mark_and_carriage_returns_are_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_bytes(b"\xef\xbb\xbf[blue]\r\nb ansible_user=admin\r\n")
    assert read_inventory(tmp_path / "hosts.ini").one("blue").user == "admin"


def test_the_groups_are_known_although_one_of_them_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "hosts.ini"
    path.write_text("[blue]\nb ansible_password=x\n[green]\ng\n")
    file = open_inventory(path)
    assert file.groups == {"blue": 1, "green": 3}
    assert file.read(["green"]).one("green").name == "g"
    with pytest.raises(InventoryError, match=r"hosts\.ini:2: 'ansible_password': passwords are not taken"):
        file.read(["blue"])


def test_a_name_is_taken_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_TEST_USER", "admin")
    text = "[blue]\nb ansible_host=192.0.2.1 ansible_user=${PIPELINE_TEST_USER}\n"
    assert read(tmp_path, text).one("blue").user == "admin"
    monkeypatch.delenv("PIPELINE_TEST_USER")
    (said,) = problems(tmp_path, text)
    assert said.startswith("2: ansible_user: ${PIPELINE_TEST_USER} is not set in the environment")
