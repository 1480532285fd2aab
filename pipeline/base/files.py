"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, data: bytes | str, *, mode: int = 0o644) -> None:
    """Replace the file at `path`. Whoever reads it meanwhile sees the old content or the new, never a part.

    Args:
        path: The file; its directory must exist.
        data: Its new content; text is written as UTF-8.
        mode: Its permissions afterwards, whatever the umask says.

    Raises:
        OSError: It could not be written. The old file is then as it was, and nothing else is left behind.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
