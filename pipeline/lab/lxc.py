"""The machine's side of the lxc provider: its bridge, lxcfs, and containers by the beginning of their names.

Where systemd runs, lxc-net and lxcfs are its services and stay. Elsewhere this starts them, and ends what it
started when no lab of this machine uses it any more. A lab is known here by the `prefix` of its containers' names.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from pipeline.base.child import start
from pipeline.base.errors import LabError
from pipeline.base.lock import waiting_lock
from pipeline.base.text import last_line
from pipeline.lab.children import OUTLIVING, call

__all__ = [
    "CONTAINERS",
    "acquire",
    "bridge_address",
    "containers",
    "destroy",
    "free_slot",
    "in_use",
    "release",
    "require_root",
    "state",
    "stop",
]

LXC_NET = Path("/usr/libexec/lxc/lxc-net")
LXCFS = Path("/var/lib/lxcfs")
_BRIDGE = Path("/sys/class/net/lxcbr0")
_NETWORK_UP = Path("/run/lxc/network_up")
_DNSMASQ_PID = Path("/run/lxc/dnsmasq.pid")
_LXCFS_PID = Path("/run/lxcfs.pid")
CONTAINERS = Path("/var/lib/lxc")
LEASES = Path("/var/lib/misc/dnsmasq.lxcbr0.leases")
# Which labs use the bridge and lxcfs, which addresses they keep, and what we started or changed.
SHARED = Path("/run/pipeline-lab")
# Each host's systemd takes six of them, all as root's; with the usual 128 host number 22 hangs while it boots.
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_ENOUGH_INOTIFY = 1024
SLOTS = range(16, 240, 4)  # last byte of a lab's first host; a lab takes three


def bridge_address() -> str:
    """The IPv4 address of lxcbr0, as the machine's lxc-net is configured (it may not be up yet)."""
    try:
        text = Path("/etc/default/lxc-net").read_text()
    except OSError:
        text = ""
    match = re.search(r'^LXC_ADDR="?([0-9.]+)', text, re.MULTILINE)
    return match[1] if match else "10.0.3.1"


def acquire(prefix: str, root: Path) -> None:
    """Makes lxcbr0 and lxcfs be up for a lab of the workplace `root`. Raises LabError when they are not."""
    require_root()
    with _shared():
        (SHARED / f"user-{prefix}").write_text(f"{root}\n")
        _allow_many_hosts()
        if not _bridge_works():
            _start_bridge()
        if not _lxcfs_works():
            _start_lxcfs()


def in_use(prefix: str) -> bool:
    """Whether this lab has containers, or has been acquired and not released: a killed `up` leaves just that."""
    return bool(containers(prefix)) or (SHARED / f"user-{prefix}").exists()


def release(prefix: str) -> None:
    """Says that this lab has no containers any more; the last one out ends what `acquire` started."""
    if not SHARED.is_dir() or os.geteuid() != 0:
        return
    with _shared():
        (SHARED / f"user-{prefix}").unlink(missing_ok=True)
        (SHARED / f"slot-{prefix}").unlink(missing_ok=True)
        if any(SHARED.glob("user-*")) or any(state(name) != "stopped" for name in containers("")):
            return
        if (SHARED / "lxcfs").exists():
            _stop_lxcfs(SHARED / "lxcfs")
        if (SHARED / "bridge").exists():
            call([str(LXC_NET), "stop"])
            (SHARED / "bridge").unlink()
        if (SHARED / "inotify").exists():
            with contextlib.suppress(OSError):
                INOTIFY.write_text((SHARED / "inotify").read_text())
            (SHARED / "inotify").unlink()


def require_root() -> None:
    """Raises LabError for anyone but root."""
    if os.geteuid() != 0:
        raise LabError(
            "the lxc provider makes privileged containers, which only root can",
            hint="run the same command with sudo, or install VirtualBox, which needs no root",
        )


def _allow_many_hosts() -> None:
    with contextlib.suppress(OSError):  # a machine that forbids it has fewer hosts
        before = INOTIFY.read_text()
        if int(before) < _ENOUGH_INOTIFY:
            INOTIFY.write_text(str(_ENOUGH_INOTIFY))
            (SHARED / "inotify").write_text(before)


def _bridge_works() -> bool:
    """Whether lxcbr0 is there and its dnsmasq runs: without that, hosts have addresses but no names."""
    if not _BRIDGE.exists():
        return False
    if not _NETWORK_UP.exists():
        return True  # not made by lxc-net: somebody's own bridge, which we leave as it is
    try:
        return Path(f"/proc/{int(_DNSMASQ_PID.read_text())}").exists()
    except (OSError, ValueError):
        return False


def _start_bridge() -> None:
    if not LXC_NET.exists():
        raise LabError("lxc is not installed", hint="make setup")
    if _BRIDGE.exists():  # its dnsmasq was killed; the start below would take the bridge for a whole one
        call([str(LXC_NET), "stop"])
    # A machine that was restored or whose network was reset says "already running" without a bridge.
    _NETWORK_UP.unlink(missing_ok=True)
    result = call([str(LXC_NET), "start"])
    if result.returncode != 0 or not _BRIDGE.exists():
        raise LabError(f"lxc-net did not make the bridge lxcbr0: {_last(result)}", hint="pipeline doctor")
    (SHARED / "bridge").touch()


def _start_lxcfs() -> None:
    """Without lxcfs a host would show the whole machine's memory and CPU as its own."""
    if not shutil.which("lxcfs"):
        raise LabError("lxcfs is not installed", hint="make setup")
    call(["umount", "-l", str(LXCFS)])  # a killed lxcfs leaves its mount, which answers nothing
    LXCFS.mkdir(parents=True, exist_ok=True)
    _LXCFS_PID.unlink(missing_ok=True)  # one left by a killed lxcfs keeps the next from starting, silently
    with Path("/var/log/lxcfs.log").open("ab") as log:
        command = ["lxcfs", "-l", "--enable-cfs", str(LXCFS)]
        child = start(command, stdout=log, stderr=log, cwd=Path("/"), outlives=True)
    OUTLIVING.append(child)
    deadline = time.monotonic() + 5
    while not _lxcfs_works():
        if child.poll() is not None or time.monotonic() > deadline:
            child.kill()
            raise LabError("lxcfs did not start", hint="see /var/log/lxcfs.log")
        time.sleep(0.02)
    (SHARED / "lxcfs").write_text(str(child.pid))


def _stop_lxcfs(marker: Path) -> None:
    call(["umount", "-l", str(LXCFS)])
    # It ends with its mount only when nothing holds that any more; the number may be another process's by now.
    pid = marker.read_text()
    with contextlib.suppress(OSError):
        if Path(f"/proc/{pid}/comm").read_text() == "lxcfs\n":
            os.kill(int(pid), signal.SIGTERM)
    marker.unlink()


def _lxcfs_works() -> bool:
    try:
        return bool((LXCFS / "proc/meminfo").read_bytes())
    except OSError:
        return False


def free_slot(prefix: str, beginning: int) -> int:
    """The last byte of the first of three successive addresses on lxcbr0, kept for this lab until `release`.

    No other container has them, and no other lab that is just booting. The search begins at the place `beginning`,
    any number that stays the same for this lab, so it usually gets the same addresses again.
    """
    with _shared():
        taken = {int(line.split()[2].rpartition(".")[2]) for line in _lines(LEASES)}
        for config in CONTAINERS.glob("*/config"):
            if not config.parent.name.startswith(prefix):
                found = re.findall(
                    r"^lxc\.net\.0\.ipv4\.address\s*=\s*[0-9.]+\.(\d+)/", config.read_text(), re.MULTILINE
                )
                taken.update(map(int, found))
        for kept in SHARED.glob("slot-*"):
            if kept.name != f"slot-{prefix}":
                taken.update(byte + at for byte in map(int, kept.read_text().split()) for at in range(3))
        for turn in range(len(SLOTS)):
            slot = SLOTS[(beginning + turn) % len(SLOTS)]
            if taken.isdisjoint(range(slot, slot + 3)):
                (SHARED / f"slot-{prefix}").write_text(str(slot))
                return slot
    raise LabError(f"no three free addresses on lxcbr0: {len(taken)} are taken", hint="lxc-ls -f")


def containers(beginning: str) -> list[str]:
    """Names of the machine's containers that begin so, half-made ones and those unknown to Vagrant too."""
    if not CONTAINERS.is_dir():
        return []
    return sorted(
        path.name for path in CONTAINERS.iterdir() if path.is_dir() and path.name.startswith(beginning)
    )


def state(name: str) -> str:
    """running, stopped, frozen ..., or not_created."""
    if not (CONTAINERS / name).is_dir():
        return "not_created"
    return call(["lxc-info", "-s", "-H", "-n", name]).stdout.strip().lower() or "unknown"


def stop(names: list[str]) -> None:
    """Kills the containers, all at once: a lab host has nothing to save, and a shutdown takes seconds."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda name: call(["lxc-stop", "-k", "-n", name]), names))


def destroy(names: list[str]) -> None:
    """Removes the containers, all at once, half-made ones too. Raises LabError for one that stays."""
    stop(names)

    def remove(name: str) -> None:
        result = call(["lxc-destroy", "-f", "-n", name])
        folder = CONTAINERS / name
        if folder.exists() and not (folder / "config").exists():
            # left by an interrupted lxc-create, which lxc-destroy does not know
            shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            raise LabError(
                f"container {name} cannot be removed: {_last(result)}", hint=f"lxc-destroy -f -n {name}"
            )

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(remove, names))


@contextmanager
def _shared() -> Iterator[None]:
    """One process at a time decides about what the labs of the machine share."""
    SHARED.mkdir(mode=0o755, exist_ok=True)
    with waiting_lock(SHARED / "lock"):
        yield


def _last(result: subprocess.CompletedProcess[str]) -> str:
    return last_line(result.stderr or result.stdout, f"exit code {result.returncode}")


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
