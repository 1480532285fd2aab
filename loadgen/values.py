"""Values that are filled into requests, another one for each: rows of a CSV file, numbers, a list, unique names.

They come in their order, from the beginning again after the last, or by chance as the seed has it. The same seed always
gives the same.
"""

from __future__ import annotations

import csv
import io
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PICKS", "Numbers", "Rows", "Uuids", "Values", "read_rows"]

PICKS = ("in_order", "random")
_LARGEST_FILE = 64_000_000  # bytes
_MOST_NUMBERS = 10**15

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows, each a mapping of names to texts, of which one is taken for each request.

    Attributes:
        rows: At least one; all have the same names.
        pick: One of PICKS.
    """

    rows: Sequence[Row]
    pick: str

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.rows[0])

    def drawn(self, seed: str) -> Iterator[Row]:
        return (self.rows[at] for at in _places(len(self.rows), self.pick, seed))


@dataclass(frozen=True, slots=True)
class Numbers:
    """Whole numbers from `first` to `last`, under one name; `pick` as of Rows."""

    name: str
    first: int
    last: int
    pick: str

    def __post_init__(self) -> None:
        if not self.first <= self.last < self.first + _MOST_NUMBERS:
            raise ValueError(f"numbers: from {self.first} to {self.last} there are none, or too many")

    @property
    def names(self) -> frozenset[str]:
        return frozenset({self.name})

    def drawn(self, seed: str) -> Iterator[Row]:
        count = self.last - self.first + 1
        return ({self.name: str(self.first + at)} for at in _places(count, self.pick, seed))


@dataclass(frozen=True, slots=True)
class Uuids:
    """A random UUID for each request, under one name."""

    name: str

    @property
    def names(self) -> frozenset[str]:
        return frozenset({self.name})

    def drawn(self, seed: str) -> Iterator[Row]:
        chance = random.Random(seed)  # noqa: S311 - as below
        while True:
            yield {self.name: str(uuid.UUID(int=chance.getrandbits(128), version=4))}


Values = Rows | Numbers | Uuids


def _places(count: int, pick: str, seed: str) -> Iterator[int]:
    """Which of so many comes next, without end."""
    chance = random.Random(seed)  # noqa: S311 - no secret: it must come out the same again
    while True:
        if pick == "random":
            yield chance.randrange(count)
        else:
            yield from range(count)


def read_rows(name: str, path: Path, pick: str) -> Rows:
    """The rows of a CSV file whose first line names its columns: `name.COLUMN`. Raises ValueError."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_FILE + 1)
        text = raw.decode("utf-8-sig")
    except OSError as problem:
        raise ValueError(f"{path}: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text file in UTF-8") from None
    if len(raw) > _LARGEST_FILE:
        raise ValueError(f"{path}: larger than {_LARGEST_FILE // 1_000_000} MB")
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    columns: list[str] = []
    try:
        for cells in lines:
            if not cells:
                continue
            if not columns:
                columns = [f"{name}.{cell.strip()}" for cell in cells]
                if len(set(columns)) < len(columns) or any(column.endswith(".") for column in columns):
                    raise ValueError(f"{path}:1: each column needs a name of its own")
                continue
            if len(cells) != len(columns):
                said = f"{path}:{lines.line_num}: {len(cells)} cells, the first line has {len(columns)}"
                raise ValueError(said)
            rows.append(dict(zip(columns, cells, strict=True)))
    except csv.Error as problem:
        raise ValueError(f"{path}:{lines.line_num}: no CSV: {problem}") from None
    if not rows:
        raise ValueError(f"{path}: no rows below its first line, which names the columns")
    return Rows(rows, pick)
