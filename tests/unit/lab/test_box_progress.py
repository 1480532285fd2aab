"""What the build of a box tells on its way."""

from __future__ import annotations

import re
import threading

from pipeline.lab.box_progress import BoxProgress

# Of a real mmdebstrap --verbose, shortened.
LINES = """\
I: automatically chosen format: tar
I: running apt-get update...
Get:1 http://mirror.example/debian bookworm InRelease [151 kB]
I: downloading packages with apt...
I: extracting archives...
I: installing essential packages...
Setting up gcc-12-base:amd64 (12.2.0-14+deb12u1) ...
I: installing remaining packages inside the chroot...
0 upgraded, 3 newly installed, 0 to remove and 0 not upgraded.
Unpacking libuv1:amd64 (1.44.2-1+deb12u1) ...
Setting up libuv1:amd64 (1.44.2-1+deb12u1) ...
I: running --customize-hook in shell: sh -c 'sh customize.sh "$1"' exec /var/tmp/x
I: cleaning package lists and apt cache...
I: creating tarball...
I: done
""".splitlines()


def test_each_stage_is_told_once_as_it_begins() -> None:
    told: list[str] = []
    with BoxProgress(told.append) as progress:
        for line in (*LINES, *LINES):
            progress.read(line)
    assert told == [
        "  reading the package lists",
        "  downloading the base system",
        "  unpacking the base system",
        "  installing the base system",
        "  installing Node, HAProxy and the exporters",
        "  setting up the user, SSH and the network",
        "  removing what hosts do not need",
        "  packing the box",
    ]


def test_a_stage_that_lasts_is_told_again_with_its_packages_and_seconds() -> None:
    told: list[str] = []
    again = threading.Event()

    def say(line: str) -> None:
        told.append(line)
        if "packages, " in line:
            again.set()

    with BoxProgress(say, every=0.05) as progress:
        for line in LINES[: LINES.index("I: creating tarball...") - 2]:
            progress.read(line)
        assert again.wait(30)
    assert re.fullmatch(
        r"  installing Node, HAProxy and the exporters: 3 packages, 1 unpacked, 1 set up, \d+ s", told[-1]
    )
