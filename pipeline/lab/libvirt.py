"""The machine's side of the libvirt provider: its daemons, and its domains by the beginning of their names.

Where systemd runs, libvirtd is its service and stays. Elsewhere this starts it, and ends what it started when no
lab of this machine uses it any more.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.base.child import start
from pipeline.base.errors import LabError
from pipeline.base.lock import waiting_lock
from pipeline.lab.children import OUTLIVING, call

__all__ = ["VIRSH", "acquire", "answers", "destroy", "domains", "in_use", "kvm_refuses", "release", "why_not"]

SHARED = Path("/run/pipeline-libvirt")  # which checkouts use libvirtd, and the process ids of what we started
_LOGS = Path("/var/log/libvirt")
KVM = Path("/dev/kvm")
CPUINFO = Path("/proc/cpuinfo")
SYSTEMD = Path("/run/systemd/system")  # sd_booted(3)
DAEMONS = ":/usr/sbin"  # where not everybody's PATH looks
_NETWORK = "vagrant-libvirt"
VIRSH = ["virsh", "--connect", "qemu:///system"]
# The first answer comes after libvirtd has asked QEMU what it can do: 8 s under emulation.
_START_SECONDS = 30


def why_not() -> str | None:
    """What keeps libvirt from working for this user, in a few words; None when it answers or can be started."""
    if answers():
        return None
    if SYSTEMD.is_dir():
        return "libvirtd does not answer this user"
    if not _daemon("libvirtd") or not _daemon("virtlogd"):
        return "libvirtd is not installed"
    if os.geteuid() != 0:
        return "libvirtd does not run, and only root can start it"
    return None


def acquire(prefix: str, root: Path) -> None:
    """Makes libvirtd answer, for a lab of the workplace `root`. Raises LabError when it does not."""
    if answers() and (os.geteuid() != 0 or not any(SHARED.glob("*.pid"))):
        return  # not one that we started, so not one that we end
    if (reason := why_not()) is not None:
        raise LabError(f"libvirt does not work here: {reason}", hint="pipeline doctor")
    with _shared():
        (SHARED / f"user-{prefix}").write_text(f"{root}\n")
        if not answers():
            _start("virtlogd", [_daemon("virtlogd")])
            _start("libvirtd", _libvirtd())
            _wait()


def in_use(prefix: str) -> bool:
    """Whether this lab made us start libvirtd and has not released it; asks nobody, for that takes seconds."""
    return (SHARED / f"user-{prefix}").exists()


def release(prefix: str) -> None:
    """Says that this lab has no hosts any more; the last one out ends what `acquire` started."""
    if not SHARED.is_dir() or os.geteuid() != 0:
        return
    with _shared():
        (SHARED / f"user-{prefix}").unlink(missing_ok=True)
        if any(SHARED.glob("user-*")) or not any(SHARED.glob("*.pid")) or domains(""):
            return
        _virsh("net-destroy", _NETWORK)  # an interrupted `vagrant up` leaves it, with a bridge and a dnsmasq
        _virsh("net-undefine", _NETWORK)
        for name in ("libvirtd", "virtlogd"):
            _end(name)


def domains(beginning: str) -> list[str]:
    """Names of libvirt's hosts, running or not, that begin so."""
    names = _virsh("list", "--all", "--name").stdout.split()
    return sorted(name for name in names if name.startswith(beginning))


def destroy(names: Sequence[str]) -> None:
    """Removes these hosts with their disks. Raises LabError for one that stays."""
    for name in names:
        _virsh("destroy", name)  # fails for one that is off, which is fine
        done = _virsh("undefine", name, "--remove-all-storage")
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            raise LabError(
                f"host {name} cannot be removed: {said[0] if said else done.returncode}",
                hint=f"virsh -c qemu:///system undefine {name} --remove-all-storage",
            )


def _libvirtd() -> list[str]:
    daemon = _daemon("libvirtd")
    if not (KVM.exists() and kvm_refuses()):
        return [daemon]
    # libvirtd would try KVM at each definition of a host, and wait two minutes for it. So in a mount namespace of its
    # own it finds a null device there that QEMU's user cannot open; the machine's /dev stays as it is. (Not /dev/null
    # itself: libvirtd would ask QEMU anew at each definition, 26 s. Not a file: hosts would not start.)
    nothing = SHARED / "no-kvm"
    nothing.unlink(missing_ok=True)
    os.mknod(nothing, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    hide = 'mount --bind "$1" "$2" && exec "$3"'
    return ["unshare", "--mount", "sh", "-c", hide, "sh", str(nothing), str(KVM), daemon]


def kvm_refuses() -> bool:
    """Whether /dev/kvm is absent, or there without the processor's extensions: no ordinary kernel boots on that."""
    return not KVM.exists() or not re.search(r"^flags\s*:.*\b(vmx|svm)\b", CPUINFO.read_text(), re.MULTILINE)


def _start(name: str, command: list[str]) -> None:
    _LOGS.mkdir(parents=True, exist_ok=True)
    with (_LOGS / f"{name}-pipeline.log").open("ab") as log:
        child = start(command, stdout=log, stderr=log, cwd=Path("/"), outlives=True)
    OUTLIVING.append(child)
    (SHARED / f"{name}.pid").write_text(f"{child.pid}\n")


def _wait() -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not answers():
        if time.monotonic() > deadline:
            _end("libvirtd")
            _end("virtlogd")
            raise LabError("libvirtd did not start", hint=f"see {_LOGS}/libvirtd-pipeline.log")
        time.sleep(0.1)


def _end(name: str) -> None:
    """Ends a daemon that `_start` started, if the process of that id still is that daemon."""
    file = SHARED / f"{name}.pid"
    with contextlib.suppress(OSError, ValueError):
        pid = int(file.read_text())
        deadline = time.monotonic() + 10
        while Path(f"/proc/{pid}/exe").readlink().name == name and time.monotonic() < deadline:
            os.kill(pid, signal.SIGTERM)
            with contextlib.suppress(ChildProcessError):  # it is our own child only within one command
                os.waitpid(pid, os.WNOHANG)
            time.sleep(0.1)
    file.unlink(missing_ok=True)


def answers() -> bool:
    """Whether libvirtd runs and lets this user in."""
    return _virsh("uri").returncode == 0


def _daemon(name: str) -> str:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}{DAEMONS}") or ""


def _virsh(*arguments: str) -> subprocess.CompletedProcess[str]:
    return call([*VIRSH, *arguments], env={**os.environ, "LC_ALL": "C"})


@contextlib.contextmanager
def _shared() -> Iterator[None]:
    """One process at a time decides about the daemons that the labs of the machine share."""
    SHARED.mkdir(mode=0o755, exist_ok=True)
    with waiting_lock(SHARED / "lock"):
        yield
