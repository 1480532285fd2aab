"""`canary --cloud aws` as people type it, up to where hosts would be made. Whole: tests/lab/test_canary_cloud.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.base.errors import Exit
from pipeline.cli.root import run
from tests.support.aws_server import HERE, REGION, World, empty_account


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """An empty account, and a working directory with a prod.yml."""
    monkeypatch.chdir(tmp_path)
    Path("prod.yml").write_text(json.dumps({"region": REGION, "ssh_from": HERE}))
    return empty_account(monkeypatch, tmp_path)


def words(samples: Path, *more: str) -> list[str]:
    return ["canary", "master", "broken", "--repo", str(samples), "--no-monitor", *more]


@pytest.mark.usefixtures("world")
def test_a_dry_run_shows_the_run_and_its_hosts_with_their_cost(
    samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words(samples, "--cloud", "aws", "--dry-run")) == Exit.OK
    out = " ".join(capsys.readouterr().out.split())
    assert "hosts three hosts in aws" in out
    assert "+ create host green t3.small, 20 GB, debian-12-amd64" in out
    assert "3000 from proxy" in out
    assert "for the 16 minutes that this may take)" in out
    assert run(words(samples, "--cloud", "aws", "--dry-run", "--json")) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["profile"], told["hosts"]["applied"], told["hosts"]["usd_hourly"]) == (
        "preview",
        False,
        0.084,
    )


def test_without_a_yes_nothing_is_made_and_no_run_begins(
    world: World, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words(samples, "--cloud", "aws")) == Exit.USAGE
    assert "try: the same with --yes" in capsys.readouterr().err
    assert set(world.count().values()) == {0}
    assert not Path("runs").exists()


def test_a_second_run_in_one_environment_is_refused_from_whichever_checkout(
    world: World, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with world.canary().lock():
        assert run(words(samples, "--cloud", "aws", "--yes")) == Exit.ENVIRONMENT
    assert "another command is using these hosts: pid" in capsys.readouterr().err
    assert set(world.count().values()) == {0}
    assert not Path("runs").exists()


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cloud", "aws", "-i", "hosts.ini"], "--cloud and --inventory are two places: give one"),
        (["--cloud", "aws", "--provider", "lxc"], "--cloud and --provider are two places: give one"),
        (["-f", "prod.yml"], "--file goes with --cloud"),
        (["--yes"], "--yes goes with --cloud"),
        (["--cloud", "aws", "-f", "other.yml"], "other.yml:1: there is no such file"),
    ],
)
def test_two_places_or_none_are_refused(
    samples: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(words(samples, *arguments)) == Exit.USAGE
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("command", ["promote", "rollback"])
def test_there_is_nothing_to_switch_where_no_hosts_were_kept(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(["canary", command, "--cloud", "aws"]) == Exit.USAGE
    err = capsys.readouterr().err
    assert f"there are no hosts of a canary of production in aws {REGION}" in err
    assert "try: pipeline canary BASELINE CANARY --cloud aws --keep" in err


def test_hosts_that_a_run_has_are_not_switched_meanwhile(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = world.canary(keep=True)
    with kept.made():
        pass
    with kept.lock():
        assert run(["canary", "rollback", "--cloud", "aws"]) == Exit.ENVIRONMENT
    assert "another command is using these hosts: pid" in capsys.readouterr().err


@pytest.mark.usefixtures("world")
def test_a_file_about_this_machine_is_no_cloud(capsys: pytest.CaptureFixture[str]) -> None:
    Path("prod.yml").write_text("cloud: vagrant\n")
    assert run(["canary", "promote", "--cloud", "aws"]) == Exit.USAGE
    assert "--cloud aws: prod.yml says cloud: vagrant" in capsys.readouterr().err
    assert run(["prod", "down", "--canary", "--yes"]) == Exit.USAGE


def test_down_removes_the_hosts_of_a_canary_alone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.up()
    with world.canary(keep=True).made():
        pass
    assert run(["prod", "down", "--canary", "--yes", "--json"]) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    removed = [f"{each['action']} {each['kind']} {each['name']}" for each in told["changes"]]
    assert sorted(removed) == [
        *(f"remove host {role}" for role in ("blue", "green", "proxy")),
        *(f"remove security group {role}" for role in ("blue", "green", "proxy")),
    ]
    assert removed[-1] == "remove security group proxy", "the others' rules name it"
    assert [machine.role for machine in world.cloud().machines()] == ["checkbox", "itrust", "monitor"]
    assert world.inventory.exists()
