"""Local production hosts by themselves: they come back from a reboot and a stop, and plain pyinfra reaches them."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.inventory.file import read_inventory
from pipeline.inventory.hosts import Host, Inventory
from pipeline.lab.lab import Lab
from pipeline.lab.memory import memory
from pipeline.lab.sets import PRODUCTION
from pipeline.remote.ssh import ssh_arguments
from tests.support.lab import Command

SECONDS = 60


def on(host: Host, words: str) -> str:
    assert host.known_hosts is not None
    done = subprocess.run(
        ["ssh", *ssh_arguments(host, host.known_hosts), words],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    return done.stdout.strip()


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_rebooted_host_has_its_address_and_its_own_memory_again(
    production: Inventory, production_lab: Lab
) -> None:
    host = production.one("checkbox")
    init = "stat -c %Y.%i /proc/1"  # a container has its machine's boot_id, but an init of its own
    before, had = on(host, init), memory(host, production_lab.known_hosts)
    on(host, "sudo systemctl reboot")
    wait(lambda: on(host, init) not in ("", before))
    assert on(host, "hostname") == "checkbox"
    assert memory(host, production_lab.known_hosts) == had
    assert ("checkbox", "running", f"{host.address}:{host.port}") in production_lab.status()


def test_a_stopped_host_is_started_with_its_data_and_not_built_anew(
    production: Inventory, production_lab: Lab
) -> None:
    host = production.one("checkbox")
    on(host, "echo precious | sudo tee /srv/data; sudo systemctl poweroff")
    wait(lambda: ("checkbox", "running") not in [row[:2] for row in production_lab.status()])
    production_lab.up()
    assert on(host, "cat /srv/data; sudo rm /srv/data") == "precious"


def test_the_inventory_file_serves_pipeline_and_plain_pyinfra(
    production: Inventory, command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "production.ini"
    ended = command("lab", "inventory", PRODUCTION.name, "-o", str(file))
    assert ended.code == 0, ended.err
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_inventory(file).groups == production.groups
    done = subprocess.run(
        [sys.executable, "-m", "pyinfra", "--yes", str(file), "exec", "--", "hostname"],
        cwd=tmp_path, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name in PRODUCTION.hosts:
        assert re.search(rf"\[{name}\] +{name}$", done.stdout + done.stderr, re.MULTILINE)
    assert not (tmp_path / ".ssh").exists()  # the lab's own file of host keys was used, not the user's
