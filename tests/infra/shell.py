"""Commands on a host whose failure is one readable line."""

from __future__ import annotations

from typing import Any

__all__ = ["output", "process"]


def output(host: Any, command: str, *words: str) -> str:
    """What `command` prints, without the last line break; each %s becomes one of `words`, quoted.

    Raises AssertionError that names the command and says what it last said itself.
    """
    __tracebackhide__ = True
    done = host.run(command, *words)
    told = (done.stderr.strip() or f"exit code {done.rc}").splitlines()[-1]
    name = (command % words if words else command).strip().splitlines()[0][:60]
    assert done.rc == 0, f"{name}: {told}"
    return str(done.stdout.rstrip("\r\n"))


def process(host: Any, unit: str) -> str:
    """The number of a unit's main process. Raises AssertionError when it has none."""
    __tracebackhide__ = True
    number = output(host, "systemctl show -p MainPID --value %s", unit)
    assert number != "0", f"{unit} has no process"
    return number
