"""The inventory file that `prod up` writes, and which one was written last in this workplace.

It is recognised by its first line, so that no other file is ever overwritten.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.base.errors import UsageError
from pipeline.base.places import state_directory
from pipeline.base.text import reason_of
from pipeline.inventory.file import inventory_text, write_inventory
from pipeline.inventory.hosts import Inventory
from pipeline.prod.cloud import Machine
from pipeline.prod.settings import ROLES

__all__ = [
    "check_own_file",
    "forget_inventory",
    "inventory_of",
    "last_inventory",
    "remember_inventory",
    "remove_own_file",
    "write_own_file",
]


def _marker(environment: str, where: str) -> str:
    """The first line of an environment's file, without its #."""
    return f"Written by pipeline prod up: environment {environment}, {where}."


def inventory_of(machines: tuple[Machine, ...]) -> Inventory:
    """A group for each role that has reachable hosts."""
    groups = {
        role: tuple(machine.host for machine in machines if machine.role == role and machine.host is not None)
        for role in sorted(ROLES)
    }
    return Inventory({role: hosts for role, hosts in groups.items() if hosts})


def check_own_file(path: Path, environment: str, where: str) -> None:
    """Raises UsageError when there is a file that this environment did not write, or no place for one."""
    other = "-i: another name for the inventory"
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no directory {path.parent}", hint=other)
    if (found := _first_line(path)) is None or found == f"# {_marker(environment, where)}":
        return
    if found.startswith("# Written by pipeline prod up: "):
        raise UsageError(f"{path} is another environment's: {found[2:]}", hint=other)
    raise UsageError(f"{path} was not written by pipeline prod up, and is left alone", hint=other)


def write_own_file(path: Path, environment: str, where: str, machines: tuple[Machine, ...]) -> bool:
    """Write the inventory of an environment, whole or not at all.

    Args:
        path: The file; what it holds is replaced (`check_own_file` comes first).
        environment: The environment's name.
        where: The place that its hosts are in, in words.
        machines: Its hosts.

    Returns:
        Whether the file is now another than before.

    Raises:
        UsageError: It cannot be written.
    """
    inventory = inventory_of(machines)
    comment = _marker(environment, where)
    try:
        if path.exists() and path.read_text(encoding="utf-8") == inventory_text(inventory, comment):
            return False
        write_inventory(inventory, path, comment)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {reason_of(error)}") from None
    return True


def remove_own_file(path: Path, environment: str, where: str) -> bool:
    """Remove the file if it is this environment's; gives whether it was."""
    if _first_line(path) != f"# {_marker(environment, where)}":
        return False
    path.unlink()
    return True


def _first_line(path: Path) -> str | None:
    """The first line of a file; None when there is no such file."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {reason_of(error)}") from None


def _note() -> Path:
    """The file that names the inventory which was written last."""
    return state_directory() / "production-inventory"


def remember_inventory(inventory: Path) -> None:
    """Note that `inventory` is the file that was written last, for commands that are given none."""
    _note().write_text(f"{inventory.resolve()}\n", encoding="utf-8")


def forget_inventory(inventory: Path) -> None:
    """Note that the hosts of `inventory` are gone."""
    if last_inventory(even_missing=True) == inventory.resolve():
        _note().unlink(missing_ok=True)


def last_inventory(*, even_missing: bool = False) -> Path | None:
    """The file that was written last; None when none was, or when it is gone (unless `even_missing`)."""
    try:
        text = _note().read_text(encoding="utf-8").strip()
    except OSError:
        return None
    path = Path(text)
    return path if text and (even_missing or path.is_file()) else None
