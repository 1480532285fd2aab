"""The lab's own base box, built once per machine for the lxc provider. The recipe is the folder `box/` beside this file.

The box holds an SSH key of its own, so it is never shared: it belongs to the machine it was built on.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import select
import shlex
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pipeline.errors import LabError
from pipeline.hosts.children import run, stop, tail
from pipeline.hosts.lxc import bridge_address

__all__ = ["box_directory", "box_name", "ensure_box", "vagrant_home"]

RECIPE = Path(__file__).with_name("box")
CERTIFICATES = Path("/usr/local/share/ca-certificates")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR = "http://deb.debian.org/debian"
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


def ensure_box(provider: str, say: Say, *, log: Path) -> str:
    """The name of a box that `vagrant up` can use at once with `provider`; the lxc one is built when absent (about 50 s).

    `log` gets the whole output of the build. Raises LabError when the build fails; nothing is left of it then.
    """
    if provider in PUBLIC_BOXES:
        return PUBLIC_BOXES[provider]
    name = box_name()
    with _one_build_at_a_time(say):
        if not (box_directory(name) / "rootfs.tar.gz").is_file():
            say(f"building the base box {name} (once per machine, about a minute)")
            with tempfile.TemporaryDirectory(prefix="pipeline-box-", dir="/var/tmp") as folder:  # noqa: S108 - private
                _build(Path(folder), name, say, log)
    return name


def _build(folder: Path, name: str, say: Say, log: Path) -> None:
    for part in ("Vagrantfile", "metadata.json", "lxc-config"):
        shutil.copy(RECIPE / part, folder)
    key = folder / "vagrant_private_key"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "pipeline-lab", "-f", str(key)], log=log)
    sources = folder / "sources.list"
    sources.write_text("".join(f"{line}\n" for line in _sources()))
    _make_rootfs(folder, sources, say, log)
    run(
        ["tar", "-cf", "lab.box", "metadata.json", "Vagrantfile", key.name, "lxc-config", "rootfs.tar.gz"],
        log=log,
        cwd=folder,
    )
    (folder / "rootfs.tar.gz").unlink()
    run(
        ["vagrant", "box", "add", "--provider", "lxc", "--name", name, "lab.box"],
        log=log,
        cwd=folder,
        env={**os.environ, "VAGRANT_HOME": str(vagrant_home()), "VAGRANT_CWD": str(folder)},
    )


def _make_rootfs(folder: Path, sources: Path, say: Say, log: Path) -> None:
    packages = [line for line in (RECIPE / "packages.txt").read_text().split("\n") if line and line[0] != "#"]
    customize = [
        "sh",
        str(RECIPE / "customize.sh"),
        "ROOT",
        str(folder / "vagrant_private_key.pub"),
        bridge_address(),
        *map(str, _certificates()),
    ]
    hook = shlex.join(customize).replace("ROOT", '"$1"', 1)
    command = ["mmdebstrap", "--variant=minbase", "--mode=root", f"--include={','.join(packages)}"]
    command += [f"--aptopt={option}" for option in (*_apt_options(), 'APT::Install-Recommends "false"')]
    command += ['--aptopt=Acquire::Languages "none"']
    command += [f"--dpkgopt=path-exclude=/usr/share/{kind}/*" for kind in ("doc", "info", "locale", "man")]
    command += [f"--customize-hook={hook}", "bookworm", "-", str(sources)]
    environment = {**os.environ, "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
    with log.open("ab") as sink:
        start = sink.tell()
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=sink,
                env=environment,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise LabError("mmdebstrap is not installed", hint="make setup") from None
        try:
            _report_until_output(child, log, start, say)
            assert child.stdout is not None  # noqa: S101 - Popen was given a pipe
            _store(child.stdout, folder / "rootfs.tar.gz")
            status = child.wait()
        except BaseException:
            stop(child, patience=30)  # it unmounts and removes its own folder on SIGTERM
            raise
    if status != 0:
        raise LabError(f"the base box did not build: {tail(log, start)}", hint=f"see {log}")


def _report_until_output(child: subprocess.Popen[bytes], log: Path, start: int, say: Say) -> None:
    """Turns the steps in mmdebstrap's log into progress lines, until the packed root file system begins to come."""
    said: set[str] = set()
    while True:
        assert child.stdout is not None  # noqa: S101 - Popen was given a pipe
        ready, _, _ = select.select([child.stdout], [], [], 0.5)
        with log.open("rb") as lines:
            lines.seek(start)
            text = lines.read().decode(errors="replace")
        for mark, sentence in STEPS.items():
            if mark in text and mark not in said:
                said.add(mark)
                say(f"  {sentence}")
        if ready:
            return


def _store(source: IO[bytes], target: Path) -> None:
    """Writes a .tar.gz that is stored, not compressed: vagrant-lxc insists on gzip, and three unpackings at once of a
    compressed one take 8 s of a 2-core machine instead of 3."""
    packer = zlib.compressobj(level=0, wbits=31)
    with target.open("wb") as out:
        while block := source.read(1 << 20):
            out.write(packer.compress(block))
        out.write(packer.flush())


def _certificates() -> list[Path]:
    return sorted(CERTIFICATES.rglob("*.crt")) if CERTIFICATES.is_dir() else []


def _sources() -> list[str]:
    """Lines for the guest's sources.list: Debian 12 from this machine's own mirror, if it has one."""
    found = _mirror("/debian") or MIRROR
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
            match = re.search(rf"^(?:URIs:|deb\b).*?(https?://\S+{ending})/?(?=\s|$)", path.read_text(), re.MULTILINE)
            if match:
                return match[1]
    return None


def _apt_options() -> list[str]:
    dump = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=False).stdout
    return APT_OPTIONS.findall(dump)


@contextmanager
def _one_build_at_a_time(say: Say) -> Iterator[None]:
    vagrant_home().mkdir(parents=True, exist_ok=True)
    with (vagrant_home() / "pipeline-box.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another build of the base box")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
