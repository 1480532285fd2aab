"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, data: bytes | str, *, mode: int = 0o644) -> None:
    """Replace the file at `path`. Whoever reads it meanwhile sees the old content or the new, never a part.

    Args:
        path: The file; its directory must exist.
        data: Its new content; text is written as UTF-8.
        mode: Its permissions afterwards, but for those that the umask takes away.

    Raises:
        OSError: It could not be written. The old file is then as it was, and nothing else is left behind.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        raise
