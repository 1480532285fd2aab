"""Many runs on several processes: what comes out depends on the runs' numbers alone, not on how many processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import Protocol, TypeVar

__all__ = ["OrderedMap", "each_case", "workers"]

_Case = TypeVar("_Case")
_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

_AT_ONCE = 10  # runs of one task


class OrderedMap(Protocol):
    """`map`, or one of a pool: the results in the order of the tasks."""

    def __call__(self, work: Callable[[_Task], _Result], tasks: Iterable[_Task], /) -> Iterator[_Result]: ...


@contextmanager
def workers(processes: int) -> Iterator[OrderedMap]:
    """A map that works on so many processes; with one, in this process."""
    if processes <= 1:
        yield map
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # or each process would use all cores
    # new processes, not copies of this one: what a copy inherits of the libraries' threads can stop it
    with get_context("spawn").Pool(processes) as pool:
        yield pool.imap


def each_case(
    work: Callable[[_Case, int], _Result], cases: Sequence[_Case], count: int, mapped: OrderedMap
) -> Iterator[tuple[_Case, list[_Result]]]:
    """Each case with the results of its runs, numbered from 0 to `count` - 1, as soon as it has them all.

    `work` is given a case and a run's number, and is known by name to other processes.
    """
    tasks = [
        (case, range(first, min(first + _AT_ONCE, count)))
        for case in cases
        for first in range(0, count, _AT_ONCE)
    ]
    results = (result for some in mapped(partial(_numbers, work), tasks) for result in some)
    for case in cases:
        yield case, list(islice(results, count))


def _numbers(work: Callable[[_Case, int], _Result], task: tuple[_Case, range]) -> list[_Result]:
    case, numbers = task
    return [work(case, number) for number in numbers]
