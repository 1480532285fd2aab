"""Which slot of an application is live, from every place that says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from application import Application

__all__ = ["Slots", "read_slots"]

# One command, one look: marks divide what each part printed. A file that is not there prints nothing.
LOOK = """
cd {home} || exit 1
show() {{ echo "=== $1"; shift; "$@" 2>/dev/null; true; }}
show live cat live
show history cat history
show current readlink -f current
show releases find releases -mindepth 1 -maxdepth 1 -type d -printf '%f\\n'
show markers find releases -mindepth 1 -maxdepth 1 -name '*.installed' -size +0 -printf '%f\\n'
show upstream cat /etc/nginx/pipeline/{name}.upstream
for port in {ports}; do
  show active-$port systemctl is-active {name}@$port.service
  show enabled-$port systemctl is-enabled {name}@$port.service
  show release-$port readlink -f slots/$port/release
  show fingerprint-$port cat slots/$port/fingerprint
done
"""


@dataclass(frozen=True)
class Slots:
    """`parts`: what LOOK printed, by part. The rest are readings of it."""

    home: str
    ports: tuple[int, int]
    parts: dict[str, str]

    @property
    def active(self) -> list[int]:
        return [port for port in self.ports if self.parts[f"active-{port}"] == "active"]

    @property
    def enabled(self) -> list[int]:
        return [port for port in self.ports if self.parts[f"enabled-{port}"] == "enabled"]

    @property
    def upstream(self) -> list[int]:
        """Ports that nginx's upstream file names; lines that are anything else count as port 0."""
        lines = [line.strip() for line in self.parts["upstream"].splitlines()]
        found = [
            re.fullmatch(r"server 127\.0\.0\.1:(\d+);", line) for line in lines if line and line[0] != "#"
        ]
        return [int(match[1]) if match else 0 for match in found]

    @property
    def live(self) -> tuple[int, str, str]:
        """Port, release, fingerprint of the last deploy that finished; (0, "", "") when none did."""
        words = self.parts["live"].split()
        return (int(words[0]), words[1], words[2]) if len(words) == 3 and words[0].isdigit() else (0, "", "")

    @property
    def current(self) -> str:
        """The release that `current` leads to, "" when it leads nowhere else."""
        return self.parts["current"].removeprefix(f"{self.home}/releases/") if self.parts["current"] else ""

    @property
    def slotted(self) -> set[str]:
        """The releases that the slots lead to."""
        return {
            self.parts[f"release-{port}"].removeprefix(f"{self.home}/releases/") for port in self.ports
        } - {""}

    @property
    def releases(self) -> set[str]:
        return set(self.parts["releases"].split())

    @property
    def markers(self) -> set[str]:
        return {name.removesuffix(".installed") for name in self.parts["markers"].split()}

    @property
    def history(self) -> list[str]:
        return self.parts["history"].splitlines()


def read_slots(host: Any, app: Application) -> Slots:
    """Look at the host. The application need not be there: then all of it is empty."""
    text = host.run(LOOK.format(home=app.home, name=app.name, ports=" ".join(map(str, app.ports)))).stdout
    parts = dict(re.findall(r"(?ms)^=== (\S+)\n(.*?)(?=^=== |\Z)", text))
    names = ["live", "history", "current", "releases", "markers", "upstream"]
    names += [
        f"{what}-{port}" for port in app.ports for what in ("active", "enabled", "release", "fingerprint")
    ]
    return Slots(app.home, app.ports, {name: parts.get(name, "").strip() for name in names})
