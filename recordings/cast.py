"""Reading a recording (asciicast v2), and what must never be in one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["Cast", "leaks", "read_cast"]

_CONTROLS: Final = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]|[\r\x08]"
)
_STATUS: Final = re.compile(r"^exit status (\d+)$", re.MULTILINE)
# Hosts of package registries tell of the machine's network; home directories name people.
_NEVER: Final = (
    re.compile(r"[\w.-]*\b(?:pypi|pythonhosted|npmjs|maven|debian)\.[a-z]{2,}\b", re.IGNORECASE),
    re.compile(r"/(?:home|Users)/[\w.-]+|/root\b"),
    re.compile(r"BEGIN [A-Z ]*PRIVATE KEY"),
)


@dataclass(frozen=True, slots=True)
class Cast:
    """The header, and (seconds since the start, what appeared on the screen)."""

    header: dict[str, Any]
    output: tuple[tuple[float, str], ...]

    @property
    def text(self) -> str:
        """All that ever appeared, without colours and movements of the cursor."""
        return _CONTROLS.sub("", "".join(data for _, data in self.output))

    @property
    def status(self) -> int:
        """The last exit status that the session shows; ValueError when it shows none."""
        found = _STATUS.findall(self.text)
        if not found:
            raise ValueError("the session shows no exit status")
        return int(found[-1])


def read_cast(path: Path) -> Cast:
    """The recording at `path`. Raises ValueError, with its line, when it is no asciicast v2."""
    lines = path.read_text("utf-8").splitlines()
    output: list[tuple[float, str]] = []
    header: dict[str, Any] = {}
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path.name}:{number}: {error}") from None
        if number == 1:
            if not isinstance(value, dict) or value.get("version") != 2:
                raise ValueError(f"{path.name}:1: no header of asciicast version 2")
            header = value
            continue
        match value:
            case [int() | float() as at, "o", str(data)] if at >= (output[-1][0] if output else 0):
                output.append((float(at), data))
            case _:
                raise ValueError(f"{path.name}:{number}: {line[:60]}")
    if not output:
        raise ValueError(f"{path.name}: nothing was recorded")
    return Cast(header, tuple(output))


def leaks(path: Path, private: Iterable[str] = ()) -> list[str]:
    """What is in the recording and must not be: what is never right, and each of `private` (paths, secrets).

    Looks at the screen's text and at the file as it is. What was found of `private` is named by its length only.
    """
    looked_at = (read_cast(path).text, path.read_text("utf-8"))
    found = {hit[0] for text in looked_at for pattern in _NEVER for hit in pattern.finditer(text)}
    hidden = {
        f"something private of {len(word)} characters"
        for word in private
        if any(word in t for t in looked_at)
    }
    return sorted(found | hidden)
