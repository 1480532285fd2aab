"""Tables and sentences for the terminal: aligned by tabulate, broken by rich, and no wider than it is."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from tabulate import tabulate

from pipeline.base.text import clean

__all__ = ["narrow", "table", "terminal_width", "wrapped"]

_GAP = 2  # what tabulate's "plain" format puts between columns
_LEAST = 12  # cells in which words can still be read


def terminal_width() -> int:
    """The columns of the terminal, or those that are usual where there is none, as in a CI server's log."""
    return shutil.get_terminal_size((120, 24)).columns


def narrow(value: object, limit: int = 2000) -> str:
    """One printable line of characters that take one cell: tabulate aligns by characters, and others push a row aside.

    >>> narrow("a\\n\u6f22b")
    'a ?b'
    """
    return "".join(c if cell_len(c) == 1 else "?" for c in clean(value, limit))


def table(
    rows: Sequence[Sequence[str]], headers: Sequence[str] = (), *, wraps: int, width: int | None = None
) -> str:
    """Rows in columns. Where they are wider than `width` (else the terminal), the column `wraps` is broken into lines.

    >>> print(table([("a", "one two three"), ("b", "four")], wraps=1, width=16))
    a  one two three
    b  four
    >>> print(table([("a", "one two three four")], wraps=1, width=16))
    a  one two three
       four
    """
    lines = [*([headers] if headers else []), *rows]
    if not lines:
        return ""
    widths = [
        max(cell_len(part) for cell in column for part in cell.split("\n"))
        for column in zip(*lines, strict=True)
    ]
    used = sum(widths) - widths[wraps] + _GAP * (len(widths) - 1)
    room = max((terminal_width() if width is None else width) - used, _LEAST)
    most = [room if column == wraps and widths[wraps] > room else None for column in range(len(widths))]
    # The headers are a row like any other: tabulate would pad real ones by two cells that are wanted here.
    text = tabulate(lines, tablefmt="plain", disable_numparse=True, maxcolwidths=most, break_on_hyphens=False)
    return "\n".join(line.rstrip() for line in text.splitlines())


def wrapped(text: str, width: int, mark: str = "") -> list[str]:
    """`text` as a list item that hangs under `mark`; by cells, and a word longer than a line is broken.

    >>> wrapped("one two three", 10, "- ")
    ['- one two', '  three']
    """
    room = max(width - len(mark), 2)
    lines = Text(text).wrap(Console(width=room, file=io.StringIO()), room)
    return [(mark if i == 0 else " " * len(mark)) + line.plain.rstrip() for i, line in enumerate(lines)]
