"""checkbox.io on one host of the lab. tests/lab/production/conftest.py has its fixture, `checkbox`."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.support.lab import Command, Ended, plain_pyinfra

__all__ = ["KEPT", "CheckboxSite"]

KEPT = "A study that somebody made"


@dataclass(frozen=True)
class CheckboxSite:
    """The application on its one host. `deploy` runs `pipeline deploy checkbox.io`, `pyinfra` the same without us."""

    machine: Any
    url: str
    inventory: Path
    secrets: Path
    repository: Path
    command: Command

    def deploy(self, *arguments: str, ref: str = "master") -> Ended:
        source = [] if "--rollback" in arguments else ["--repo", str(self.repository), "--ref", ref]
        return self.command("deploy", "checkbox.io", "-i", str(self.inventory), *source, "--json", *arguments)

    def pyinfra(self, ref: str = "master") -> subprocess.Popen[str]:
        return plain_pyinfra(self.inventory, "checkbox", f"repo={self.repository}", f"ref={ref}")

    def forget(self, ref: str) -> None:
        """The next deploy of `ref` has to install it again."""
        git = ["git", "-C", str(self.repository), "rev-parse", ref]
        commit = subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()
        with self.machine.sudo():
            assert self.machine.run(f"rm -f /srv/checkbox/releases/{commit}-*.installed").rc == 0

    def installing(self, ref: str) -> subprocess.Popen[str]:
        """A deploy that has just begun to install."""
        deploy = self.pyinfra(ref)
        assert deploy.stdout is not None
        for line in deploy.stdout:
            if "unpack and install" in line:
                break
        time.sleep(0.5)
        return deploy

    def page(self) -> str:
        return requests.get(self.url, timeout=10).text

    def studies(self) -> list[str]:
        answer = requests.get(f"{self.url}api/study/listing", timeout=10)
        return [study["name"] for study in answer.json()["studies"]]
