"""What the scripts of this folder have in common: their options, how long one input may take, and how they end."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tabulate import tabulate

__all__ = ["at_most", "options", "show"]


def options(doc: str | None, count: int, *, keep: bool = False) -> argparse.Namespace:
    """Reads `--count` and `--seed`; the first line of `doc` stands in the help.

    Args:
        doc: The script's own docstring.
        count: How many inputs it makes unless told.
        keep: Whether `--keep FOLDER` is read, too: where the inputs stay.
    """
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=count, help="how many inputs are made")
    parser.add_argument("--seed", type=int, default=1, help="of the inputs: the same seed, the same ones")
    if keep:
        parser.add_argument("--keep", metavar="FOLDER", help="keep the inputs there")
    return parser.parse_args()


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raises TimeoutError in the body when it takes longer."""

    def late(*_: object) -> None:
        raise TimeoutError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def show(asked: argparse.Namespace, outcomes: Mapping[str, int], wrong: Sequence[str]) -> int:
    """Prints how many inputs ended how and the first twenty that ended wrongly; gives the exit code."""
    print(f"{asked.count:,} inputs, seed {asked.seed}")
    print(tabulate(sorted(outcomes.items()), ("outcome", "count"), intfmt=","))
    for line in wrong[:20]:
        print(line)
    print(f"{len(wrong):,} wrong")
    return 1 if wrong else 0
