"""Reboots a host and waits until it is there again."""

from __future__ import annotations

import time
from typing import Any

from application import Application
from connection import Outside
from shell import output

__all__ = ["RebootError", "reboot", "wait_until_answered"]

BACK_SECONDS = 180.0
# A container has its machine's boot id; a virtual machine's first process always starts at the same tick. Taken
# together the two are new after each boot, of either kind.
BOOT = "cat /proc/sys/kernel/random/boot_id; cut -d' ' -f22 /proc/1/stat"


class RebootError(Exception):
    """The host did not come back."""


def reboot(host: Any) -> None:
    """Reboot; return when SSH answers and systemd has started all it wanted to. Raises RebootError."""
    before = output(host, BOOT)
    # Through a timer: the command itself ends well, before its connection does.
    output(host, "systemd-run --quiet --on-active=1s systemctl reboot")
    disconnect(host)
    deadline = time.monotonic() + BACK_SECONDS
    last = "it did not go down"
    while time.monotonic() < deadline:
        time.sleep(1)
        try:
            now = host.run(BOOT)
            if now.rc == 0 and now.stdout.strip() != before.strip():
                host.run("timeout 120 systemctl is-system-running --wait")
                return
            # Still the old boot: this connection must not keep the host from being asked anew.
            disconnect(host)
        except Exception as error:  # refused, reset, timed out: not there yet
            last = f"{type(error).__name__}: {error}"
    raise RebootError(f"not back {BACK_SECONDS:.0f} s after a reboot: {last}")


def disconnect(host: Any) -> None:
    """Forget paramiko's connection: a dead one is noticed only when TCP gives up."""
    client = vars(host.backend).pop("client", None)
    if client is not None:
        client.close()


def wait_until_answered(outside: Outside, app: Application) -> None:
    """Wait for the application behind nginx to start; when it does not, or nginx is not there, the checks say so."""
    deadline = time.monotonic() + app.restart_seconds
    while outside.connection(app.listen) == "open" and time.monotonic() < deadline:
        if outside.get(app.alive).status == 200:
            return
        time.sleep(0.5)
