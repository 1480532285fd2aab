"""Deploys broken off at random moments, each followed by another: does that one repair everything?

    python -m bench.broken_deploys APP [-n 10] [--repo PATH] [--ref REF] [--next REF] [--war FILE] [--seed N]

Each trial takes a fresh local host (with --next REF every second trial keeps its host and deploys that ref over the
first instead), kills `pipeline deploy` and its children with SIGKILL after a random time, and deploys again. Repaired
means: that deploy ends well with its own proof, another one changes nothing, and `pipeline verify` passes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tabulate import tabulate

from pipeline.base.lock import lab_lock
from pipeline.base.places import ROOT, state_directory
from pipeline.deploy.applications import Application, find_application
from pipeline.inventory.file import write_inventory
from pipeline.inventory.hosts import Inventory
from pipeline.lab.lab import Lab
from pipeline.lab.sets import PRODUCTION


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("app", type=find_application)
    parser.add_argument("-n", type=int, default=10)
    parser.add_argument("--seed", type=int, default=20261123)
    for name in ("--repo", "--ref", "--next", "--war"):
        parser.add_argument(name)
    options = parser.parse_args()
    chance = random.Random(options.seed)  # noqa: S311 - moments, not secrets
    rows = []
    lab = Lab(ROOT, None, lambda _line: None, PRODUCTION)
    with tempfile.TemporaryDirectory() as name, lab_lock(PRODUCTION.state(state_directory())):
        trial = Trial(options.app, Path(name), lab)
        lab.down()
        trial.host()
        whole = trial.deploy(*source(options, options.ref))
        over = trial.deploy(*source(options, options.next)) if options.next else 0.0
        print(
            f"seed {options.seed}; a first deploy takes {whole:.1f} s, one over another {over:.1f} s",
            flush=True,
        )
        for number in range(1, options.n + 1):
            again = bool(options.next) and number % 2 == 0
            if again:
                trial.deploy(*source(options, options.ref))
            else:
                lab.down()
                trial.host()
            arguments = source(options, options.next if again else options.ref)
            moment = chance.uniform(0.5, over if again else whole)
            ended, doing = trial.broken_off(moment, arguments)
            repaired = trial.repaired(arguments)
            kind = "over another" if again else "first"
            rows.append([number, kind, f"{moment:.1f}", ended, doing, repaired])
            print(tabulate(rows[-1:], tablefmt="plain"), flush=True)
        lab.down()
    print(tabulate(rows, ["trial", "deploy", "killed after s", "", "last step begun", "next deploy"]))
    good = sum(row[-1] == "repaired" for row in rows)
    print(f"{good} of {len(rows)} repaired by the next deploy")
    return 0 if good == len(rows) else 1


def source(options: argparse.Namespace, ref: str | None) -> list[str]:
    if options.war:
        return ["--war", options.war]
    arguments = ["--repo", options.repo] if options.repo else []
    return [*arguments, *(["--ref", ref] if ref else [])]


class Trial:
    """One application on one local host."""

    def __init__(self, app: Application, work: Path, lab: Lab) -> None:
        self.app, self.work, self.lab = app, work, lab
        self.inventory = work / "inventory.ini"
        self.environment = {**os.environ, "PYTHONUNBUFFERED": "1", "HOME": str(work / "home")}
        for name in ("XDG_CACHE_HOME", "VAGRANT_HOME"):  # what was fetched once is not fetched in each trial
            usual = {"XDG_CACHE_HOME": ".cache", "VAGRANT_HOME": ".vagrant.d"}[name]
            self.environment[name] = os.environ.get(name) or str(Path.home() / usual)

    def host(self) -> None:
        hosts = self.lab.up().groups[self.app.key]
        write_inventory(Inventory({self.app.key: hosts}), self.inventory)

    def start(self, command: str, *arguments: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "pipeline", command, self.app.name, "-i", str(self.inventory)]
        return subprocess.Popen(
            [*words, *arguments],
            cwd=ROOT,
            env=self.environment,
            text=True,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def deploy(self, *arguments: str) -> float:
        began = time.monotonic()
        child = self.start("deploy", *arguments)
        _, said = child.communicate()
        assert child.returncode == 0, said[-1000:]
        return time.monotonic() - began

    def broken_off(self, seconds: float, arguments: list[str]) -> tuple[str, str]:
        """Deploy, and kill it and all its children. Gives how that went, and the last step that its log names."""
        child = self.start("deploy", *arguments)
        try:
            child.communicate(timeout=seconds)
            how = "had ended"
        except subprocess.TimeoutExpired:
            for process in [child.pid, *children(child.pid)]:
                os.kill(process, signal.SIGKILL)
            child.communicate()
            how = "killed"
        logs = sorted((state_directory() / "deploys").glob(f"*-{self.app.key}-*.log"))
        lines = logs[-1].read_text(errors="replace").splitlines() if logs else []
        steps = [line.rpartition("peration: ")[2].strip() for line in lines if "Starting operation" in line]
        return how, steps[-1] if steps else "before the first"

    def repaired(self, arguments: list[str]) -> str:
        child = self.start("deploy", *arguments)
        _, said = child.communicate()
        if child.returncode != 0:
            return f"failed: {said.strip().splitlines()[-2:]}"
        child = self.start("deploy", *arguments, "--json")
        out, _ = child.communicate()
        if changed := json.loads(out)["hosts"][0]["changed"]:
            return f"the one after it changed {changed}: {json.loads(out)['hosts'][0]['operations']}"
        child = self.start("verify", "--json")
        out, _ = child.communicate()
        if child.returncode != 0:
            failed = [check["title"] for check in json.loads(out)["checks"] if check["outcome"] == "failed"]
            return f"verify: {failed}"
        return "repaired"


def children(pid: int) -> list[int]:
    """All descendants: pyinfra runs in a session of its own, which a signal to ours would not reach."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


if __name__ == "__main__":
    sys.exit(main())
