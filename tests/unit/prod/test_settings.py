"""prod.yml: what is understood, and how everything wrong with it is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import ConfigError
from pipeline.prod.settings import Settings, load_settings

EXAMPLE = Path(__file__).parents[3] / "prod.example.yml"


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "prod.yml"
    path.write_text(text)
    found = load_settings(path)
    assert isinstance(found, Settings)
    return found


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "prod.yml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    return [problem.removeprefix(f"{path}:") for problem in caught.value.problems]


def test_the_example_shows_the_value_that_each_key_has_when_it_is_left_out() -> None:
    assert load_settings(EXAMPLE) == Settings(region="eu-central-1")


def test_every_key_is_in_the_example() -> None:
    assert [
        key
        for key in Settings.model_fields
        if f"\n{key}:" not in f"\n{EXAMPLE.read_text()}".replace("# ", "")
    ] == []


def test_hosts_are_numbered_and_the_monitor_comes_first(tmp_path: Path) -> None:
    found = read(tmp_path, "region: eu-west-1\ncheckbox: {count: 2, type: t3.micro}\nitrust: {count: 0}\n")
    hosts = [(host.name, host.role, host.type) for host in found.hosts()]
    assert hosts == [
        ("monitor", "monitor", "t3.small"),
        ("checkbox-1", "checkbox", "t3.micro"),
        ("checkbox-2", "checkbox", "t3.micro"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("region: frankfurt", "1: region: 'frankfurt' is not a region such as eu-central-1"),
        ("region: eu-west-1\nname: My Prod", "2: name: 'My Prod' is not a name (a-z, 0-9 and -, at most 30)"),
        ("region: eu-west-1\nchekbox: {}", "2: unknown key 'chekbox': did you mean 'checkbox'?"),
        ("region: eu-west-1\nitrust:\n  count: 21", "3: itrust.count: must be less than or equal to 20"),
        ("region: eu-west-1\nitrust:\n  count: '2'", "3: itrust.count: must be a whole number"),
        ("region: eu-west-1\nitrust:\n  type: big", "3: itrust.type: 'big' is not an instance type such as t3.small"),
        ("region: eu-west-1\nmonitor: moon", "2: monitor: must be 'cloud', 'local' or 'none'"),
        (
            "region: eu-west-1\ncloud: azure",
            "2: cloud: 'azure' is none that there is: aws, or vagrant (hosts on this machine)",
        ),
        ("region: eu-west-1\ndisk: 4", "2: disk: must be greater than or equal to 8"),
        (
            "region: eu-west-1\ncidr: 8.8.8.0/24",
            "2: cidr: 8.8.8.0/24 cannot be a VPC's network: a private one, /16 to /28",
        ),
        ("region: eu-west-1\nsubnet: x", "2: subnet: 'x' is not a subnet's id such as subnet-0a1b2c3d"),
        (
            "region: eu-west-1\ncheckbox: {count: 0}\nitrust: {count: 0}",
            "1: checkbox and itrust have no hosts at all; `pipeline prod down` removes everything",
        ),
        (
            "region: eu-west-1\nsubnet: subnet-0a\ncidr: 10.0.0.0/24",
            "1: cidr is for a network that is made; with subnet there is none to make",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    assert problems(tmp_path, text) == [expected]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, "name: X\nregion: y\ndisk: z\n")
    assert [line.partition(":")[0] for line in found] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("here", ("here",)),
        ("203.0.113.7/32", ("203.0.113.7/32",)),
        ("[here, 203.0.113.0/24, 198.51.100.7]", ("here", "203.0.113.0/24", "198.51.100.7/32")),
    ],
)
def test_ssh_is_open_to_this_machine_to_networks_or_to_both(
    tmp_path: Path, source: str, expected: tuple[str, ...]
) -> None:
    assert read(tmp_path, f"region: eu-west-1\nssh_from: {source}\n").ssh_from == expected


@pytest.mark.parametrize("source", ["everywhere", "[]", "[203.0.113.7/24]", "5", "[there]"])
def test_what_is_no_network_is_refused_for_ssh(tmp_path: Path, source: str) -> None:
    found = problems(tmp_path, f"region: eu-west-1\nssh_from: {source}\n")
    assert len(found) == 1
    assert "ssh_from" in found[0]


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path / "prod.yml")
    assert str(caught.value.hint).startswith("cp prod.example.yml")


def test_a_file_with_problems_says_where_every_key_is_described_and_what_to_type_then(tmp_path: Path) -> None:
    path = tmp_path / "prod.yml"
    path.write_text("cloud: azure\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert "prod.example.yml" in str(caught.value.hint)
    assert "pipeline prod up" in str(caught.value.hint)
