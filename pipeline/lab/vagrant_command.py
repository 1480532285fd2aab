"""python-vagrant, with what it lacks: a log, progress lines, several hosts at once, an end to each call."""
# mypy: disallow-untyped-calls=False
# python-vagrant publishes no types.

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import vagrant

from pipeline.base.errors import LabError
from pipeline.base.places import ROOT
from pipeline.lab.children import Limits, run, tail

__all__ = ["VagrantCommand", "note_beside"]

_SECONDS = 900  # VirtualBox may have to download its box first
# The lines of Vagrant's talk that tell a user where it is; the log has all of them.
_WORTH_SAYING = re.compile(
    r"^==> (\w+): ((?:Importing base box|Cloning VM|Booting VM|Starting (?:container|domain)|Machine booted|"
    r"Box '.*' could not be found|Adding box|Downloading|Forcing shutdown|Destroying).*)"
)


def note_beside(log: Path) -> Path:
    """The file that names the Vagrant which writes this log now."""
    return log.with_suffix(".pid")


class VagrantCommand(vagrant.Vagrant):
    """Vagrant with `vagrantfile` for the hosts of the workplace `root`; `settings` are its PIPELINE_LAB_* variables.

    It runs where the Vagrantfiles are and writes nothing there: what it knows of its hosts it keeps in the folder
    `dotfiles`. Each call raises LabError in one line when Vagrant fails; all it printed is in `log`.
    """

    def __init__(
        self,
        root: Path,
        vagrantfile: str,
        dotfiles: Path,
        provider: str,
        settings: Mapping[str, str],
        log: Path,
        say: Callable[[str], None],
    ):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VAGRANT_")}
        if home := os.environ.get("VAGRANT_HOME"):
            environment["VAGRANT_HOME"] = home
        environment |= {
            "VAGRANT_VAGRANTFILE": vagrantfile,
            "PIPELINE_LAB_PLACE": str(root),
            "VAGRANT_DOTFILE_PATH": str(dotfiles),
            "VAGRANT_DEFAULT_PROVIDER": provider,
            "VAGRANT_CHECKPOINT_DISABLE": "1",
            "VAGRANT_NO_COLOR": "1",
            "LC_ALL": "C.UTF-8",
            **settings,
        }
        super().__init__(root=str(ROOT), env=environment)
        self._provider = provider
        self._log = log
        self._say = say

    def up_hosts(self, names: Sequence[str]) -> None:
        """Boots the named hosts, in parallel where the provider can."""
        self._call_vagrant_command(["up", *names, f"--provider={self._provider}"])

    def destroy_hosts(self) -> None:
        """Destroys all hosts that Vagrant knows, in parallel where the provider can."""
        self._call_vagrant_command(["destroy", "--force", "--parallel"])

    def private_address(self, name: str) -> str:
        """Where the other hosts reach this one: its address on the private network."""
        listed = self.ssh(vm_name=name, command="ip -4 -o address show scope global")
        addresses = re.findall(r" inet ([0-9.]+)/", listed)
        if not addresses:
            raise LabError(f"{name} has no IPv4 address", hint=f"see {self._log}")
        return str(addresses[-1])  # the first is Vagrant's own NAT or management network

    def _call_vagrant_command(self, args: Sequence[str | None]) -> None:
        command = self._make_vagrant_command(args)
        with self._log.open("a") as log:
            log.write(f"$ {' '.join(command)}\n")
        run(
            command,
            log=self._log,
            cwd=Path(self.root),
            env=self.env,
            limits=Limits(_SECONDS),
            what=f"vagrant {args[0]}",
            on_line=self._progress,
            note=note_beside(self._log),
        )

    def _run_vagrant_command(self, args: Sequence[str | None]) -> str:
        command = self._make_vagrant_command(args)
        with self._log.open("ab") as log:
            start = log.tell()
            try:
                done = subprocess.run(
                    command,
                    cwd=self.root,
                    env=self.env,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    timeout=60,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise LabError(f"vagrant {args[0]} took longer than 60 s", hint=f"see {self._log}") from None
        if done.returncode != 0:
            raise LabError(f"vagrant {args[0]} failed: {tail(self._log, start)}", hint=f"see {self._log}")
        return done.stdout.decode(errors="replace")

    def _make_vagrant_command(self, args: Sequence[str | None]) -> list[str]:
        try:
            return list(super()._make_vagrant_command(args))
        except RuntimeError:
            raise LabError("vagrant is not installed", hint="make setup") from None

    def _progress(self, line: str) -> None:
        if match := _WORTH_SAYING.match(line):
            self._say(f"  {match[1]}: {match[2].rstrip('.')}")
