"""First and no-op deploys of checkbox.io, ours beside an idiomatic Ansible playbook (bench/deploy/), on equal hosts.

    python -m bench.deploy [--repo PATH] [--noops 5] [--rounds 2] [--ansible DIRECTORY]

Each round boots two fresh local hosts; one gets our deploy, the other the playbook, one after the other, never at
once; then no-op deploys by turns. In the next round they change hosts. ansible-playbook is found on PATH or in
--ansible (the bin directory of a virtual environment with `pip install ansible`). What comes through the network
(apt, npm) is fetched by both hosts in each round.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tabulate import tabulate

from deploys.software.mongodb_wheel import packed_mongod
from pipeline.base.lock import lab_lock
from pipeline.base.places import CACHE, DEPLOYS, ROOT, state_directory
from pipeline.inventory.file import write_inventory
from pipeline.inventory.hosts import Host, Inventory
from pipeline.lab.lab import Lab
from pipeline.lab.sets import PRODUCTION
from pipeline.remote.provision import provision
from pipeline.source.opening import open_source
from pipeline.source.repository import Commit

HERE = Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repo", help="a clone of checkbox.io; default: the stand-in of services/checkbox")
    parser.add_argument("--noops", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--ansible", default="", help="directory of ansible-playbook, if not on PATH")
    options = parser.parse_args()
    packed_mongod()  # downloaded once per machine; not part of either
    with tempfile.TemporaryDirectory() as name, lab_lock(PRODUCTION.state(state_directory())):
        work = Path(name)
        source = open_source(options.repo or str(standin(work)), CACHE, service="checkbox")
        commit = source.resolve("HEAD")
        archive = source.archive(commit, work / "tree.tar.gz")
        lab = Lab(ROOT, None, lambda _line: None, PRODUCTION)
        rows: dict[str, list[list[float]]] = {"pipeline": [], "ansible": []}
        steps: dict[str, float] = {}
        for number in range(options.rounds):
            lab.down()
            hosts = list(lab.up())
            ours, theirs = hosts if number % 2 == 0 else reversed(hosts)
            us = Ours(work, archive, commit, lab.known_hosts, ours)
            peer = Ansible(work, archive, commit, theirs, options.ansible)
            print(f"round {number + 1}: first deploys", flush=True)
            # Who comes second finds the machine's caches warm: they take turns in that, too.
            first: list[Ours | Ansible] = [us, peer] if number % 2 == 0 else [peer, us]
            seconds = {player.name: [timed(player.deploy)] for player in first}
            steps = us.steps
            for turn in range(options.noops):
                print(f"round {number + 1}: no-op {turn + 1}", flush=True)
                for player in first:
                    seconds[player.name].append(timed(player.deploy))
            for player_name, measured in seconds.items():
                rows[player_name].append(measured)
        lab.down()
    report(rows, steps)
    return 0


class Ours:
    """`pipeline deploy`: in the first, its steps are timed."""

    name = "pipeline"

    def __init__(self, work: Path, archive: Path, commit: Commit, known_hosts: Path, host: Host) -> None:
        data = {**host.data, "secrets_directory": str(work / "secrets"), "commit": commit.sha}
        self.host = replace(host, data={**data, "archive": str(archive), "mongodb": "wheel"})
        self.work, self.known_hosts = work, known_hosts
        self.inventory = work / f"ours-{host.name}.ini"
        write_inventory(Inventory({"checkbox": (self.host,)}), self.inventory)
        self.steps: dict[str, float] = {}

    def deploy(self) -> None:
        if self.steps:
            command = ["deploy", "checkbox.io", "-i", str(self.inventory), "--json"]
            done = run([sys.executable, "-m", "pipeline", *command])
            changed = json.loads(done.stdout)["hosts"][0]["changed"]
            assert changed == 0, f"a no-op changed {changed} operations"
            return
        marks: list[tuple[str, float]] = [("connect, look", time.monotonic())]
        provision(
            Inventory({"checkbox": (self.host,)}),
            DEPLOYS / "checkbox.py",
            {},
            log=self.work / "first.log",
            known_hosts=self.known_hosts,
            say=lambda step: marks.append((step, time.monotonic())),
        )
        marks.append(("", time.monotonic()))
        for (step, began), (_, ended) in itertools.pairwise(marks):
            self.steps[step] = self.steps.get(step, 0.0) + ended - began


class Ansible:
    """`ansible-playbook`, with pipelining and a kept connection (bench/deploy/ansible.cfg)."""

    name = "ansible"

    def __init__(self, work: Path, archive: Path, commit: Commit, host: Host, directory: str) -> None:
        self.inventory = work / f"theirs-{host.name}.ini"
        self.inventory.write_text(
            f"[checkbox]\n{host.name} ansible_host={host.address} ansible_port={host.port} ansible_user={host.user}"
            f" ansible_ssh_private_key_file={host.key}\n"
        )
        self.variables = work / f"theirs-{host.name}.json"
        self.variables.touch(mode=0o600)
        mongod = str(packed_mongod())
        words = {"mongo_password": "a" * 32, "mongo_admin_password": "b" * 32}  # of hosts that are removed
        self.variables.write_text(
            json.dumps({"archive": str(archive), "commit": commit.sha, "mongod": mongod, **words})
        )
        self.program = str(Path(directory) / "ansible-playbook") if directory else "ansible-playbook"
        self.first = True

    def deploy(self) -> None:
        command = [
            self.program,
            "-i",
            str(self.inventory),
            "-e",
            f"@{self.variables}",
            str(HERE / "deploy" / "checkbox.yml"),
        ]
        done = run(command, ANSIBLE_CONFIG=str(HERE / "deploy" / "ansible.cfg"))
        assert self.first or "changed=0 " in done.stdout, f"a no-op changed something: {done.stdout[-300:]}"
        self.first = False


def run(command: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (
        f"{command[0]} ended with {done.returncode}: {(done.stderr or done.stdout)[-800:]}"
    )
    return done


def timed(action: Callable[[], object]) -> float:
    """Seconds that `action` took."""
    began = time.monotonic()
    action()
    return time.monotonic() - began


def standin(work: Path) -> Path:
    """services/checkbox as a git repository."""
    repository = work / "checkbox"
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.run(["cp", "-r", str(ROOT / "services" / "checkbox"), str(repository)], check=True)
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "stand-in"]):
        subprocess.run(["git", "-C", str(repository), *command], check=True)
    return repository


def report(rows: dict[str, list[list[float]]], steps: dict[str, float]) -> None:
    firsts = {name: [measured[0] for measured in rounds] for name, rounds in rows.items()}
    noops = {name: [s for measured in rounds for s in measured[1:]] for name, rounds in rows.items()}
    table = []
    for what, values in (("first deploy", firsts), ("no-op deploy", noops)):
        ours, theirs = statistics.median(values["pipeline"]), statistics.median(values["ansible"])
        spread = [f"{min(values[name]):.1f} - {max(values[name]):.1f}" for name in ("pipeline", "ansible")]
        table.append([what, len(values["pipeline"]), ours, spread[0], theirs, spread[1], ours / theirs])
    headers = ["", "n", "pipeline s", "range", "ansible s", "range", "ratio"]
    print(tabulate(table, headers, floatfmt=("", "", ".1f", "", ".1f", "", ".2f")))
    print("\nour first deploy, last round, by step (seconds):")
    total = sum(steps.values())
    order = sorted(steps.items(), key=lambda item: -item[1])
    print(tabulate([[step, took, f"{took / total:.0%}"] for step, took in order], floatfmt=".1f"))


if __name__ == "__main__":
    sys.exit(main())
