"""Files and units that a host is to have. One command looks; where all is as it should be, nothing else runs."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys.kit.places import CHECKS
from deploys.kit.proof import program_text
from deploys.kit.scripts import Script

__all__ = ["Kept", "kept"]

_PROGRAM: Final = CHECKS / "kept.py"

# A drop-in for Debian's own units: a daemon that ends (its server is not there yet, say) is always started again.
_HEAL: Final = """\
# Written by deploys/kit/kept.py; changes made here are lost.
[Unit]
StartLimitIntervalSec=0
[Service]
Restart=always
RestartSec=3
"""


@dataclass
class Kept:
    """The files, users and units that a host is to have; checks/kept.py says what each part means."""

    users: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    only: list[str] = field(default_factory=list)
    spared: list[str] = field(default_factory=list)
    units: dict[str, dict[str, object]] = field(default_factory=dict)
    only_units: str = ""
    test: list[Sequence[str]] = field(default_factory=list)

    def file(self, path: str, text: str, mode: str = "644", group: str = "root") -> str:
        """Add a file that root owns. Gives its path."""
        self.files[path] = {"text": text, "mode": mode, "group": group}
        return path

    def debian(
        self,
        unit: str,
        arguments: Sequence[str],
        *,
        answers: str,
        files: Sequence[str] = (),
        reread: Sequence[str] = (),
        environment: str = "",
    ) -> None:
        """Add a daemon of Debian's, which is started again whenever it ends.

        Args:
            unit: Its package and its unit, without .service.
            arguments: Of its command, without blanks and quotes.
            answers: The address that it answers once it runs.
            files: It is restarted when one of these changed.
            reread: It reads its configuration again when one of these changed.
            environment: More lines of its /etc/default file.
        """
        head = "# Written by deploys/kit/kept.py; changes made here are lost.\n"
        given = f'ARGS="{" ".join(arguments)}"\n' if arguments else ""
        own = self.file(f"/etc/default/{unit}", f"{head}{given}{environment}")
        drop_in = self.file(f"/etc/systemd/system/{unit}.service.d/pipeline.conf", _HEAL)
        self.units[f"{unit}.service"] = {
            "files": [own, drop_in, *files],
            "reread": list(reread),
            "answers": answers,
        }


@operation()
def kept(what: Kept) -> Generator[StringCommand, None, None]:
    """Put right whatever of `what` is not as it should be. The host needs python3 when this runs."""
    parameters: Mapping[str, object] = {**vars(what)}

    def program(change: bool) -> Script:
        text = _PROGRAM.read_text(encoding="utf-8")
        return Script(program_text(text, json.loads(json.dumps({**parameters, "change": change}))))

    to_do = host.get_fact(
        Command,
        "sh -c 'command -v python3 >/dev/null || { echo python3; exit 0; }; exec python3 -'",
        _stdin=program(False),
    )
    if not to_do:
        host.noop("all is as it should be")
        return
    yield StringCommand("python3", "-", _stdin=program(True))
