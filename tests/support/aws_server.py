"""EC2 for tests: moto's HTTP server as a child process on a free port of loopback, which botocore finds through its own
AWS_ENDPOINT_URL. One server for all tests of a run; each test begins with nothing in it."""

from __future__ import annotations

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.loaders
import pytest

from pipeline.base.console import Progress
from pipeline.inventory.hosts import Host
from pipeline.prod import apply
from pipeline.prod.aws.cloud import AwsCloud
from pipeline.prod.aws.images import DEBIAN
from pipeline.prod.aws.part import canary_part
from pipeline.prod.aws.session import Aws, connect
from pipeline.prod.canary_hosts import CanaryHosts
from pipeline.prod.cloud import Plan
from pipeline.prod.settings import Settings
from tests.support.ports import free_port

__all__ = [
    "FULL",
    "HERE",
    "NOTHING",
    "REGION",
    "Broken",
    "World",
    "empty_account",
    "looks",
    "post",
    "server",
    "wanted",
]

_Wait = Callable[[Sequence[Host], Progress], None]

REGION = "eu-central-1"
HERE = "198.51.100.7/32"
# It ends when its standard input ends: when the process of the tests is gone, for whatever reason.
_SERVER = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""


def _image(identifier: str, name: str, processor: str, created: str, owner: str = DEBIAN) -> dict[str, Any]:
    return {
        "ami_id": identifier, "name": name, "owner_id": owner, "architecture": processor, "creation_date": created,
        "state": "available", "public": True, "image_type": "machine", "root_device_type": "ebs",
        "root_device_name": "/dev/xvda", "image_location": name, "description": name, "virtualization_type": "hvm",
        "hypervisor": "xen", "platform": None, "sriov": "simple",
    }  # fmt: skip


# Traps: the newest image does not stand last, and the last one has a fitting name but another owner.
_IMAGES = [
    _image("ami-00000001", "debian-12-amd64-20260101-1", "x86_64", "2026-01-01T00:00:00.000Z"),
    _image("ami-00000003", "debian-12-amd64-20261103-1", "x86_64", "2026-11-03T00:00:00.000Z"),
    _image("ami-00000002", "debian-12-amd64-20260601-1", "x86_64", "2026-06-01T00:00:00.000Z"),
    _image("ami-00000004", "debian-12-arm64-20261103-1", "arm64", "2026-11-03T00:00:00.000Z"),
    _image(
        "ami-00000005", "debian-12-amd64-20270101-1", "x86_64", "2027-01-01T00:00:00.000Z", "666666666666"
    ),
]


@functools.cache
def server() -> str:
    """The server's URL; started by the first who asks."""
    port = free_port()
    directory = tempfile.mkdtemp(prefix="pipeline-moto-")
    images = Path(directory) / "images.json"
    images.write_text(json.dumps(_IMAGES))
    child = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MOTO_AMIS_PATH": str(images), "INITIAL_NO_AUTH_ACTION_COUNT": "inf"},
    )
    atexit.register(_stop, child, images)
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            post(url, "reset")
        except urllib.error.URLError:
            assert child.poll() is None, "moto's server ended"
            time.sleep(0.1)
        else:
            return url
    raise AssertionError("moto's server does not answer")


def _stop(child: subprocess.Popen[bytes], images: Path) -> None:
    child.kill()
    child.communicate()
    images.unlink()
    images.parent.rmdir()


def post(url: str, what: str, body: str = "") -> None:
    headers = {"Content-Type": "text/plain"}  # a form's fields would not be the body
    request = urllib.request.Request(f"{url}/moto-api/{what}", body.encode(), headers, method="POST")  # noqa: S310 - our own
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


class Broken(Exception):
    """What ends a command in the middle of a test, as a lost network or a kill would."""


@dataclass
class World:
    """An account with nothing in it. `calls` are the API calls made so far, with their parameters."""

    directory: Path
    aws: Aws
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    break_at: str = ""  # "change" or "look": the next such call is done, but its answer gets lost

    @property
    def inventory(self) -> Path:
        return self.directory / "inventory.ini"

    def cloud(self, **settings: Any) -> AwsCloud:
        return AwsCloud(wanted(**settings), self.aws)

    def up(self, **settings: Any) -> Plan:
        """A whole `prod up`, but for SSH to hosts that do not exist."""
        cloud = self.cloud(**settings)
        plan = cloud.plan()
        apply.up(cloud, plan, self.inventory, Progress(quiet=True), lambda _: None, _no_wait)
        return plan

    def down(self, **settings: Any) -> Plan:
        cloud = self.cloud(**settings)
        plan = cloud.removal()
        apply.down(cloud, plan, self.inventory, Progress(quiet=True), lambda _: None)
        return plan

    def canary(
        self, *, keep: bool = False, wait: _Wait | None = None, port: int = 3000, **settings: Any
    ) -> CanaryHosts:
        """The hosts of a `canary --cloud aws`, planned; but for SSH, as `up`."""
        chosen = wanted(**settings)
        cloud = AwsCloud(chosen, self.aws, canary_part(chosen, port))
        return CanaryHosts(
            cloud, Progress(quiet=True), file=None, seconds=600, keep=keep, wait=wait or _no_wait
        )

    def done(self) -> list[str]:
        """The calls since the last `done` that changed something, by name."""
        names = [name for name, _ in self.calls if not looks(name)]
        self.calls.clear()
        return names

    def count(self) -> dict[str, int]:
        """How many there are of everything that carries our tag."""
        found = {
            "vpcs": self.aws.ours("describe_vpcs", "Vpcs"),
            "subnets": self.aws.ours("describe_subnets", "Subnets"),
            "gateways": self.aws.ours("describe_internet_gateways", "InternetGateways"),
            "tables": self.aws.ours("describe_route_tables", "RouteTables"),
            "groups": self.aws.ours("describe_security_groups", "SecurityGroups"),
            "keys": self.aws.ours("describe_key_pairs", "KeyPairs"),
            "hosts": [
                instance
                for reservation in self.aws.ours("describe_instances", "Reservations")
                for instance in reservation["Instances"]
                if instance["State"]["Name"] != "terminated"
            ],
        }
        return {kind: len(items) for kind, items in found.items()}

    def watch(self) -> None:
        """From now on `calls` has what `aws` asks."""
        self.aws.client.meta.events.register("provide-client-params.ec2", self._named)
        self.aws.client.meta.events.register("after-call.ec2", self._after)
        self.aws.quotas.meta.events.register("provide-client-params.service-quotas", self._named)

    def _after(self, model: Any, **_: Any) -> None:
        if self.break_at == ("look" if model.name.startswith("Describe") else "change"):
            raise Broken(model.name)

    def _named(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        service = model.service_model.service_name
        self.calls.append((model.name if service == "ec2" else f"{service}:{model.name}", dict(params)))


FULL = {"vpcs": 1, "subnets": 1, "gateways": 1, "tables": 1, "groups": 3, "keys": 1, "hosts": 3}
NOTHING = dict.fromkeys(FULL, 0)


def looks(call: str) -> bool:
    """Whether a call, by its name, changes nothing."""
    return call.startswith(("Describe", "service-quotas:"))


def wanted(**settings: Any) -> Settings:
    return Settings.model_validate({"region": REGION, "ssh_from": HERE, **settings})


def _no_wait(_hosts: Sequence[Host], _progress: Progress) -> None:
    """These hosts have addresses, but are nowhere."""


def _credentials(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """The environment of somebody with an account, and of nothing else of this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


_shared_loader = functools.cache(botocore.loaders.create_loader)


def empty_account(monkeypatch: pytest.MonkeyPatch, directory: Path) -> World:
    """A new account; `directory` is home, and where the inventory goes."""
    _credentials(monkeypatch, directory)
    post(server(), "reset")
    # every session reads 3 MB of EC2's description again, a quarter of a second for each test
    monkeypatch.setattr("botocore.session.create_loader", _shared_loader)
    made = World(directory, connect("production", REGION))
    made.aws.poll = 0.01
    made.watch()
    return made
