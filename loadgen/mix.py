"""A mix: several requests, or sequences of them, each as often as its weight says, with values filled in.

Which request comes when is drawn by the seed, a hundred at a time: each hundred has every request as often as its
weight says, to within one, in an order of chance. So two times of a run that are as long get the same mix, and what is
rare does not come in heaps.
"""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from loadgen.request import Request
from loadgen.steps import Session, Steps
from loadgen.template import Template
from loadgen.values import Values

__all__ = ["Mix"]

_BATCH: Final = 100


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """What is sent.

    Attributes:
        entries: At least one: requests, and sequences of them; each request has a name of its own.
        values: By name.
        seed: Whatever is drawn by chance follows from it.
    """

    entries: Sequence[Template | Steps]
    values: Mapping[str, Values]
    seed: int = 1

    @property
    def templates(self) -> list[Template]:
        """All requests, the steps of sequences included."""
        return [
            one for each in self.entries for one in (each.templates if isinstance(each, Steps) else [each])
        ]

    @property
    def sequences(self) -> list[Steps]:
        return [entry for entry in self.entries if isinstance(entry, Steps)]

    def requests(self) -> Iterator[Request]:
        """One after the other, without end; of a sequence the first step."""
        # A value of which two requests have a part goes on from one to the other.
        drawn = {name: values.drawn(f"{self.seed} {name}") for name, values in self.values.items()}
        makers = [self._maker(entry, drawn) for entry in self.entries]
        for number in self._order():
            yield makers[number]()

    def first_of_each(self) -> list[Request]:
        """Each request, of a sequence the first step, as it is with the first values."""
        first: dict[str, str] = {}
        for name, values in self.values.items():
            first |= next(values.drawn(f"{self.seed} {name}"))
        return [
            (entry.templates[0] if isinstance(entry, Steps) else entry).filled(first)
            for entry in self.entries
        ]

    def _maker(
        self, entry: Template | Steps, drawn: Mapping[str, Iterator[Mapping[str, str]]]
    ) -> Callable[[], Request]:
        needed = entry.names
        sources = [drawn[name] for name, values in self.values.items() if values.names & needed]

        def row() -> dict[str, str]:
            found: dict[str, str] = {}
            for source in sources:
                found |= next(source)
            return found

        if isinstance(entry, Steps):
            return lambda: Session(entry, row()).request()
        if sources:
            return lambda: entry.filled(row())
        constant = entry.filled({})
        return lambda: constant

    def _order(self) -> Iterator[int]:
        """Which request comes next, by its number."""
        chance = random.Random(f"{self.seed}")  # noqa: S311 - no secret: it must come out the same again
        total = sum(entry.weight for entry in self.entries)
        until = list(itertools.accumulate(entry.weight / total for entry in self.entries))
        last = len(until) - 1
        while True:
            begin = chance.random()
            batch = [min(bisect.bisect_right(until, (at + begin) / _BATCH), last) for at in range(_BATCH)]
            chance.shuffle(batch)
            yield from batch
