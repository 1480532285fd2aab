"""Where the proxy was when a run had ended: what it said itself, not what it had been told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Settled"]


@dataclass(frozen=True, slots=True)
class Settled:
    """The end of a run, as far as its proxy is concerned.

    - `wanted`: the colour that it was to have
    - `colour`: the one that it said itself; empty where it has none yet, None where it does not answer
    - `problem`: why it is not, or may not stay, as wanted; empty where all is well
    - `gone`: the host was removed afterwards, and whatever was wrong with it
    """

    wanted: str
    colour: str | None
    problem: str = ""
    gone: bool = False

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Settled | None:
        """As run.json has it; None where that says nothing of use."""
        wanted, colour, problem = entry.get("wanted"), entry.get("colour"), entry.get("problem")
        if not isinstance(wanted, str) or not isinstance(problem, str):
            return None
        return cls(wanted, colour if isinstance(colour, str) else None, problem, entry.get("gone") is True)

    def to_dict(self) -> dict[str, Any]:
        """As written in run.json."""
        return asdict(self)

    @property
    def trouble(self) -> str:
        """What somebody must put right, in a line; empty where nothing is wrong, or nothing is there any more."""
        return str(self) if self.problem and not self.gone else ""

    def __str__(self) -> str:
        """In a line for people: where it is, or what is wrong.

        >>> print(Settled("blue", "blue"), Settled("blue", None, "no answer"), sep=chr(10))
        the proxy is on blue
        where the proxy sends traffic is not known: it could not be put on blue: no answer
        """
        if not self.problem:
            return f"the proxy is on {self.colour}" if self.colour else "there is no proxy yet"
        where = (
            f"the proxy is on {self.colour}" if self.colour else "where the proxy sends traffic is not known"
        )
        if self.colour == self.wanted:
            return f"{where}, but may not stay there when it is started again: {self.problem}"
        return f"{where}: it could not be put on {self.wanted}: {self.problem}"
