"""`canary --cloud aws` whole: moto's server gives the instances, the lab's hosts answer at their addresses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from pipeline.base.errors import Exit
from pipeline.base.facts import PROXY_PORT
from pipeline.base.places import CACHE
from pipeline.lab.lab import Lab
from pipeline.lab.sets import CANARY
from tests.support.aws_lab import AwsLab, aws_lab
from tests.support.aws_server import NOTHING, REGION, World, empty_account, server
from tests.support.lab import Ended, another_checkout, lab_up

QUICK = ("--rate", "10", "--duration", "5s", "--warmup", "3s", "--no-monitor")
SECONDS = 300


@dataclass
class Account:
    """An AWS account of somebody with a prod.yml, and the command line that uses it."""

    world: World
    cloud: AwsLab
    samples: Path
    checkout: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "AWS_ENDPOINT_URL": self.cloud.url, "XDG_CACHE_HOME": str(CACHE.parent)}
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", *arguments, "-f", str(self.world.directory / "prod.yml")],
            cwd=self.checkout, env=environment, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def canary(self, *arguments: str) -> tuple[str, ...]:
        given = ("--repo", str(self.samples), "--runs", str(self.world.directory / "runs"), *QUICK)
        return ("canary", *arguments, "--cloud", "aws", "--yes", *given)

    def __call__(self, *arguments: str) -> Ended:
        child = self.start(*arguments)
        out, err = child.communicate(timeout=SECONDS)
        return Ended(child.returncode, out, err)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three hosts of another checkout, in which the commands run, too: it has a lock of its own."""
    yield from lab_up(CANARY, checkout=another_checkout(tmp_path_factory.mktemp("cloud") / "checkout"))


@pytest.fixture
def account(lab: Lab, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An empty account, in which the next three instances are the lab's hosts."""
    world = empty_account(monkeypatch, tmp_path)
    settings = {"region": REGION, "ssh_from": "10.0.0.0/8", "canary": {"type": "t3.small"}}
    (tmp_path / "prod.yml").write_text(json.dumps(settings))
    with aws_lab(server(), {host.name: host for host in lab.inventory()}) as cloud:
        yield Account(world, cloud, samples, lab.root)


def served_by(lab: Lab) -> str:
    """Which version answers. The runtime API is for who deployed: here that is `admin`."""
    url = f"http://{lab.inventory().one('proxy').private_address}:{PROXY_PORT}/preview"
    return requests.post(url, json={"markdown": "# hello"}, timeout=30).headers["X-Served-By"]


def test_a_canary_is_measured_on_hosts_that_are_made_and_removed(account: Account) -> None:
    ended = account(*account.canary("master", "broken"), "--json")
    assert ended.code == Exit.FAILED, ended.err
    run = ended.json["run"]
    assert run["provider"] == "aws"
    assert "creating host blue: t3.small, 20 GB" in ended.err
    assert "removing host green" in ended.err
    record = json.loads((Path(run["directory"]) / "run.json").read_text())
    assert record["proxy"] == {"wanted": "blue", "colour": "blue", "problem": "", "gone": True}
    assert account.world.count() == NOTHING
    looks = sum(n for name, n in account.cloud.calls.items() if name.startswith(("Describe", "Get")))
    assert account.cloud.calls["RunInstances"] == 3
    assert account.cloud.calls["TerminateInstances"] == 1
    assert account.cloud.calls.total() - looks == 28, "docs/aws.md has the figure"
    assert account.cloud.calls["GetServiceQuota"] == 2


def test_hosts_that_are_kept_are_promoted_rolled_back_and_removed_alone(account: Account, lab: Lab) -> None:
    ended = account(*account.canary("master", "slow"), "--keep", "--json")
    assert ended.json["outcome"], (
        ended.err
    )  # which one is not this test's question, on a machine that is busy
    assert "the hosts stay, and are paid for, until: pipeline prod down --canary -f " in ended.err
    assert json.loads(account("prod", "status", "--json").out)[0]["host"] == "blue"
    for command, colour in (("promote", "green"), ("rollback", "blue")):
        switched = account("canary", command, "--cloud", "aws")
        assert (switched.code, switched.out) == (Exit.OK, f"the proxy is on {colour}\n"), switched.err
        assert served_by(lab) == colour
    down = account("prod", "down", "--canary", "--yes")
    assert down.code == Exit.OK, down.err
    assert account.world.count() == NOTHING
    after = account("canary", "promote", "--cloud", "aws")
    assert after.code == Exit.USAGE
    assert "there are no hosts of a canary of production in aws eu-central-1" in after.err


def test_ctrl_c_under_load_removes_the_hosts(account: Account) -> None:
    child = account.start(*account.canary("master", "master"))
    assert child.stderr is not None
    for line in child.stderr:
        if "load: " in line:
            os.killpg(child.pid, signal.SIGINT)
            break
    _, err = child.communicate(timeout=SECONDS)
    assert child.returncode == Exit.INTERRUPTED, err
    assert "removing the hosts" in err
    assert account.world.count() == NOTHING
