"""A load test's file as numbered lines: plain or gzipped, whole to its last line, or refused."""

from __future__ import annotations

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.base.text import printable, reason_of
from pipeline.loadtests.recorded import refuse

__all__ = ["TextFile", "decimal", "read_bytes", "whole"]

_LARGEST: Final = 4_000_000_000  # bytes: beyond, a machine of the usual size has no room for it
_GZIP: Final = b"\x1f\x8b"


def read_bytes(path: Path) -> bytes:
    """What the file holds, unpacked where it is gzipped, without a byte order mark. Raises UsageError."""
    try:
        if path.is_dir():
            refuse(
                path,
                None,
                "a directory, not a file that a load test wrote",
                "a run: pipeline judge DIRECTORY",
            )
        if path.stat().st_size > _LARGEST:
            refuse(path, None, f"larger than {_LARGEST // 10**9} GB: let the test run shorter, or write CSV")
        data = path.read_bytes()
        if data.startswith(_GZIP):
            data = gzip.decompress(data)
    except (EOFError, zlib.error) as error:
        refuse(path, None, f"the compressed file is cut off or spoilt: {reason_of(error)}")
    except (OSError, ValueError) as error:
        refuse(path, None, f"cannot be read: {reason_of(error)}")
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.strip():
        refuse(path, None, "is empty")
    return data


@dataclass(frozen=True, slots=True)
class TextFile:
    """Its lines, without their ends; the first is line 1."""

    path: Path
    lines: Sequence[str]

    @classmethod
    def of(cls, path: Path, data: bytes) -> TextFile:
        """Raises UsageError: no text in UTF-8, or the last line has no end: it was cut off."""
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            refuse(path, data.count(b"\n", 0, error.start) + 1, "not a text in UTF-8")
        lines = text.replace("\r\n", "\n").split("\n")
        if lines.pop() != "":
            refuse(
                path,
                len(lines) + 1,
                "the last line has no end: the file was cut off, or copied while it was written",
                "copy it once the test is over",
            )
        return cls(path, lines)

    def rows(self, *, header: bool = True, separator: str = ",") -> Iterator[tuple[int, list[str]]]:
        """The rows of a CSV file with their lines, blank lines left out. With `header`, all must be as wide as that.

        Raises UsageError with the line that is wrong.
        """
        reader = csv.reader((f"{line}\n" for line in self.lines), strict=True, delimiter=separator)
        width = 0
        try:
            for row in reader:
                if not row:
                    continue
                if header and width and len(row) != width:
                    refuse(self.path, reader.line_num, f"{len(row)} columns, the header has {width}")
                width = width or len(row)
                yield reader.line_num, row
        except csv.Error as error:
            refuse(self.path, reader.line_num, f"not CSV: {reason_of(error)}")


def decimal(path: Path, line: int, name: str, text: str) -> float:
    """A number in a cell. Raises UsageError."""
    try:
        return float(text)
    except ValueError:
        refuse(path, line, f"{name} is {printable(text, 40)!r}, not a number")


def whole(path: Path, line: int, name: str, text: str, *, empty: int | None = None) -> int:
    """A whole number in a cell; `empty` for an empty one, unless None. Raises UsageError."""
    if text == "" and empty is not None:
        return empty
    try:
        return int(text)
    except ValueError:
        refuse(path, line, f"{name} is {printable(text, 40)!r}, not a whole number")
