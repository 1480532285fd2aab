"""One JSON object a line, as k6 and vegeta write them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pipeline.base.text import printable
from pipeline.loadtests.recorded import refuse
from pipeline.loadtests.textfile import TextFile

__all__ = ["first_object", "objects"]


def objects(file: TextFile) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects with their lines; blank lines are passed over. Raises UsageError with the line that holds none."""
    for number, line in enumerate(file.lines, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            refuse(file.path, number, f"not a JSON object: {printable(line, 40)!r}")
        if not isinstance(found, dict):
            refuse(file.path, number, f"not a JSON object: {printable(line, 40)!r}")
        yield number, found


def first_object(data: bytes) -> dict[str, Any]:
    """The object in the first line, or the whole file where it is one; {} where there is none."""
    if not data.lstrip().startswith(b"{"):
        return {}
    for text in (data.lstrip().split(b"\n", 1)[0], data):
        try:
            found = json.loads(text.decode())
        except (ValueError, RecursionError):
            continue
        return found if isinstance(found, dict) else {}
    return {}
