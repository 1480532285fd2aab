"""The lab's own base box for the lxc provider, built once per machine by the recipe in the folder `box/`.

The box holds an SSH key of its own, so it is never shared: it belongs to the machine it was built on.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.errors import LabError
from pipeline.hosts.children import run, stop, tail
from pipeline.hosts.lxc import bridge_address, require_root
from pipeline.state import state_directory

__all__ = ["box_directory", "box_for", "box_name", "ensure_box", "vagrant_home"]

RECIPE = Path(__file__).with_name("box")
CERTIFICATES = Path("/usr/local/share/ca-certificates")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
ROOTFS = "rootfs.tar.gz"  # the name vagrant-lxc looks for; lxc-template says why it is a plain tar
PUBLIC_BOXES = {"virtualbox": "debian/bookworm64", "libvirt": "debian/bookworm64"}
# What the machine's own apt needs to reach its mirror, the guests' apt needs as well.
APT_OPTIONS = re.compile(
    r'^(Acquire::(?:https?::(?:Proxy|CaInfo)|Check-Valid-Until|Check-Date|Retries) "[^"]*");$', re.MULTILINE
)
STEPS = {
    "running apt-get update": "reading the package lists",
    "downloading packages": "downloading packages",
    "installing essential": "installing the base system",
    "installing remaining": "installing Node, HAProxy and the exporters",
    "creating tarball": "packing the box",
}

Say = Callable[[str], None]


def vagrant_home() -> Path:
    """Where Vagrant keeps its boxes."""
    return Path(os.environ.get("VAGRANT_HOME") or Path.home() / ".vagrant.d").expanduser()


def box_directory(name: str) -> Path:
    """Where Vagrant unpacks the lxc box `name`."""
    return vagrant_home() / "boxes" / name.replace("/", "-VAGRANTSLASH-") / "0" / "lxc"


def box_name() -> str:
    """The lxc box's name; it ends in a hash of the recipe and of what it takes from this machine."""
    digest = hashlib.sha256()
    for path in sorted(RECIPE.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for certificate in _certificates():
        digest.update(certificate.read_bytes())
    digest.update("\n".join([*_sources(), *_apt_options(), bridge_address()]).encode())
    return f"pipeline/debian12-lxc-{digest.hexdigest()[:10]}"


def box_for(provider: str) -> str:
    """The name of the box that `provider` boots, there or not."""
    return PUBLIC_BOXES.get(provider) or box_name()


def ensure_box(provider: str, say: Say, *, rebuild: bool = False) -> str:
    """The name of a box that `vagrant up` can use; the lxc one is built when absent (50 s) or with `rebuild`.

    All output of the build goes to .pipeline/box.log. Raises LabError when it fails; nothing is left of it.
    """
    name = box_for(provider)
    if provider in PUBLIC_BOXES:
        return name  # Vagrant fetches it
    require_root()
    log = state_directory() / "box.log"
    with _one_build_at_a_time(say):
        if rebuild or not (box_directory(name) / ROOTFS).is_file():
            say(f"building the base box {name} (once per machine, about a minute)")
            with tempfile.TemporaryDirectory(prefix="pipeline-box-", dir="/var/tmp") as folder:
                _build(Path(folder), name, say, log)
    return name


def _build(folder: Path, name: str, say: Say, log: Path) -> None:
    parts = ["metadata.json", "Vagrantfile", "lxc-config", "lxc-template"]
    for part in parts:
        shutil.copy(RECIPE / part, folder)
    key = folder / "vagrant_private_key"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "pipeline-lab", "-f", str(key)], log=log)
    sources = folder / "sources.list"
    sources.write_text("".join(f"{line}\n" for line in _sources()))
    _make_rootfs(folder, sources, say, log)
    (folder / "rootfs.tar").rename(folder / ROOTFS)
    run(["tar", "-cf", "lab.box", *parts, key.name, ROOTFS], log=log, cwd=folder)
    (folder / ROOTFS).unlink()
    run(
        ["vagrant", "box", "add", "--force", "--provider", "lxc", "--name", name, "lab.box"],
        log=log,
        cwd=folder,
        env={**os.environ, "VAGRANT_HOME": str(vagrant_home()), "VAGRANT_CWD": str(folder)},
    )


def _make_rootfs(folder: Path, sources: Path, say: Say, log: Path) -> None:
    customize = [
        "sh",
        str(RECIPE / "customize.sh"),
        "ROOT",
        str(folder / "vagrant_private_key.pub"),
        bridge_address(),
        *map(str, _certificates()),
    ]
    hook = shlex.join(customize).replace("ROOT", '"$1"', 1)
    command = [
        "mmdebstrap",
        "--variant=minbase",
        "--mode=root",
        f"--include={','.join(_lines('packages.txt'))}",
    ]
    command += [f"--aptopt={option}" for option in (*_apt_options(), 'APT::Install-Recommends "false"')]
    command += ['--aptopt=Acquire::Languages "none"']
    command += [f"--dpkgopt=path-exclude={path}" for path in _lines("exclude.txt")]
    command += [f"--customize-hook={hook}", "bookworm", "rootfs.tar", str(sources)]
    environment = {**os.environ, "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
    with log.open("ab") as sink:
        start = sink.tell()
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=environment,
                cwd=folder,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise LabError("mmdebstrap is not installed", hint="make setup") from None
        try:
            status = _report_steps(child, log, start, say)
        except BaseException:
            stop(child, patience=30)  # it unmounts and removes its own folder on SIGTERM
            raise
    if status != 0:
        raise LabError(f"the base box did not build: {tail(log, start)}", hint=f"see {log}")


def _report_steps(child: subprocess.Popen[bytes], log: Path, start: int, say: Say) -> int:
    """Turns the steps in mmdebstrap's log into progress lines until it ends; its exit code."""
    waiting = dict(STEPS)
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(timeout=0.5)
        with log.open("rb") as lines:
            lines.seek(start)
            text = lines.read().decode(errors="replace")
        for mark in [mark for mark in waiting if mark in text]:
            say(f"  {waiting.pop(mark)}")


def _lines(part: str) -> list[str]:
    return [line for line in (RECIPE / part).read_text().splitlines() if line and not line.startswith("#")]


def _certificates() -> list[Path]:
    return sorted(CERTIFICATES.rglob("*.crt")) if CERTIFICATES.is_dir() else []


def _sources() -> list[str]:
    """Lines for the sources.list: Debian 12 from PIPELINE_DEBIAN_MIRROR, else from this machine's own mirror."""
    found = os.environ.get("PIPELINE_DEBIAN_MIRROR") or _mirror("/debian")
    if found is None:
        raise LabError(
            "this machine's apt has no Debian mirror to build the base box from",
            hint="set PIPELINE_DEBIAN_MIRROR to the address of one, which ends in /debian",
        )
    security = _mirror("/debian-security") or f"{found.removesuffix('/')}-security"
    signed = f"deb [signed-by={KEYRING}]"
    return [
        f"{signed} {found} bookworm main",
        f"{signed} {found} bookworm-updates main",
        f"{signed} {security} bookworm-security main",
    ]


def _mirror(ending: str) -> str | None:
    for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        if path.suffix in (".list", ".sources") and path.is_file():
            match = re.search(
                rf"^(?:URIs:|deb\b).*?(https?://\S+{ending})/?(?=\s|$)", path.read_text(), re.MULTILINE
            )
            if match:
                return match[1]
    return None


def _apt_options() -> list[str]:
    dump = subprocess.run(
        ["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=False
    ).stdout
    return APT_OPTIONS.findall(dump)


@contextlib.contextmanager
def _one_build_at_a_time(say: Say) -> Iterator[None]:
    vagrant_home().mkdir(parents=True, exist_ok=True)
    with (vagrant_home() / "pipeline-box.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another build of the base box")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
