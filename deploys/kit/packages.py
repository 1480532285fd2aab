"""Debian packages, installed only where they are missing."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from deploys.kit.scripts import script

__all__ = ["ensure"]

# One line a package. One that was removed but not purged is "config-files", one whose installation was broken
# off "half-configured" or the like: neither is "installed". Two architectures of a package are two lines.
_INSTALLED = "dpkg-query -W -f '${Package} ${db:Status-Status}\\n' 2>/dev/null | sed -n 's/ installed$//p'"


def ensure(packages: Sequence[str], hold: Sequence[str] = ()) -> None:
    """Install those of `packages` that the host lacks. Where none is missing, not even `apt update` runs.

    `hold` names units of these packages that their installation must not start (Debian starts daemons with
    Debian's configuration); the caller starts them once their own is there. What an earlier deploy left
    half-done is finished first; another apt at work is waited for, up to five minutes.
    """
    missing, masked = _lacking(packages, hold)
    if missing or masked:
        _install(name="Install the missing packages", packages=missing, hold=list(hold))


def _lacking(packages: Sequence[str], hold: Sequence[str]) -> tuple[list[str], bool]:
    """Those of `packages` that are not installed, and whether a deploy that was cut short left a unit masked."""
    masked = "; ".join(f"[ ! -L /run/systemd/system/{unit}.service ] || echo masked {unit}" for unit in hold)
    found = set((host.get_fact(Command, f"{_INSTALLED}; {masked or 'true'}") or "").splitlines())
    return sorted(set(packages) - found), any(line.startswith("masked ") for line in found)


@operation()
def _install(packages: list[str], hold: list[str]) -> Generator[StringCommand, None, None]:
    """Refresh the package lists and install `packages`, without what Debian merely recommends."""
    if host.state.is_executing:
        # Another operation of this deploy may have done it in the meantime.
        packages, masked = _lacking(packages, hold)
        if not packages and not masked:
            host.noop("the packages are installed")
            return
    yield StringCommand(
        "sh", "-s", _stdin=script("packages", packages=" ".join(packages), hold=" ".join(hold), patience=300)
    )
