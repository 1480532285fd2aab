"""One load test as its file holds it, whatever tool wrote it."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from pipeline.base.errors import UsageError
from pipeline.base.text import printable
from pipeline.judge.evidence import Requests, Series

__all__ = ["OF_BODY", "OF_LATENCY", "OF_SIZE", "OF_STATUS", "LoadTest", "Recorder", "refuse"]

Floats = NDArray[np.float64]

# Which metrics of the catalogue a file can tell, by what it holds of each request.
OF_LATENCY: Final = frozenset(
    {"latency_p50", "latency_p99", "latency_quantiles", "slow_requests", "throughput"}
)
OF_STATUS: Final = frozenset({"error_rate", "new_statuses", "availability"})
OF_SIZE: Final = frozenset({"response_size"})
OF_BODY: Final = frozenset({"wrong_body_rate"})
_LONGEST: Final = 86_400.0  # seconds: a day for one answer is a slip of the unit
_LATEST: Final = 4_102_444_800.0  # the year 2100


def refuse(path: Path, line: int | None, said: str, hint: str | None = None) -> NoReturn:
    """Raises UsageError: what is wrong with a file, and in which line."""
    where = f"{path}:{line}" if line is not None else f"{path}"
    raise UsageError(f"{where}: {said}", hint=hint)


@dataclass(frozen=True, slots=True, eq=False)
class LoadTest:
    """What one file holds.

    Attributes:
        path: the file.
        tool: what wrote it, for people.
        clock: whether its times are Unix seconds; else they count from the file's own beginning.
        requests: each request, in the order of its time; empty for a summary.
        tells: the metrics of the catalogue that can be told by it.
        notes: what the reader of the verdict must know of it.
        summary: for a summary without single requests, its series by the catalogue's metric; a share's has two,
            `NAME/hits` and `NAME/total`.
        step: seconds from one sample of the summary to the next, or that the times of requests are known to; 0: better
            than any block.
        begin, end: from when to when it lasted, in the clock of its times.
        unsent: how many requests were due that the tool did not send, or could not.
        own_failures: how many it sent and could not make sense of the answer, which is nobody's error but its own.
        broken: why the load was not what it should have been, so that such a test is no evidence; empty: it was.
    """

    path: Path
    tool: str
    clock: bool
    requests: Requests
    tells: frozenset[str]
    begin: float
    end: float
    notes: tuple[str, ...] = ()
    summary: Mapping[str, Series] = field(default_factory=dict)
    step: float = 0.0
    unsent: int = 0
    own_failures: int = 0
    broken: str = ""


class Recorder:
    """Collects the requests of one file. Each `add` names the line, so that what cannot be is refused there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._t: list[float] = []
        self._latency: list[float] = []
        self._status: list[int] = []
        self._body_ok: list[int] = []
        self._size: list[int] = []
        self._body: list[int] = []
        self._error: list[str] = []
        self.names: Counter[str] = Counter()
        self.expected: set[int] = set()
        self.sized = self.bodied = self.checked = False

    def __len__(self) -> int:
        return len(self._t)

    def add(
        self,
        line: int,
        *,
        t: float,
        latency: float,
        status: int,
        error: str = "",
        size: int | None = None,
        body: bytes | None = None,
        body_ok: int = -1,
        name: str = "",
        expected: bool | None = None,
    ) -> None:
        """One request.

        Args:
            line: where it stands.
            t: when it was sent, in seconds.
            latency: seconds until its answer was complete.
            status: HTTP's; 0 without an answer.
            error: why there is no whole answer; empty for a whole one.
            size: bytes of the body; None: not told.
            body: the body itself; None: not told.
            body_ok: 1 and 0: the tool looked at the body and found it right or wrong; -1: it did not look.
            name: what was asked.
            expected: whether the tool took the status for a right one; None: not told.

        Raises:
            UsageError: No request can be so.
        """
        if not 0 <= t <= _LATEST:
            refuse(self._path, line, f"the time is {t:.15g}: before 1970 or after 2100")
        if not 0 <= latency <= _LONGEST:
            refuse(self._path, line, f"an answer took {latency:.6g} s: between 0 and a day is possible")
        if status != 0 and not 100 <= status <= 999:
            refuse(self._path, line, f"the status is {status}: HTTP's have three digits")
        whole = status > 0 and not error
        self._t.append(t)
        self._latency.append(latency if whole else np.nan)
        self._status.append(status)
        self._body_ok.append(body_ok)
        self._size.append(size or 0)
        self._body.append(zlib.crc32(body) if body and whole else 0)
        self._error.append("" if whole else error or "no answer")
        self.names[printable(name, 80)] += 1
        if expected and status >= 400:
            self.expected.add(status)
        self.sized |= size is not None
        self.bodied |= body is not None
        self.checked |= body_ok >= 0

    def finished(
        self, tool: str, *, clock: bool = True, notes: tuple[str, ...] = (), tells: frozenset[str] = OF_STATUS
    ) -> LoadTest:
        """The load test; `tells`: what the file tells beside latency. Raises UsageError: it has no request."""
        if not self._t:
            refuse(self._path, None, "not a single request: was the test over before it began?")
        # Bodies that were not read have no size: vegeta -max-body 0, k6 discardResponseBodies.
        sized = self.sized and any(self._size)
        tells = (
            OF_LATENCY
            | tells
            | (OF_SIZE if sized else frozenset())
            | (OF_BODY if self.checked else frozenset())
        )
        order = np.argsort(np.asarray(self._t), kind="stable")
        none = np.zeros(0, dtype=np.int64)
        requests = Requests(
            t=np.asarray(self._t, dtype=np.float64)[order],
            latency=np.asarray(self._latency, dtype=np.float64)[order],
            status=np.asarray(self._status, dtype=np.int64)[order],
            body_ok=np.asarray(self._body_ok, dtype=np.int64)[order],
            size=np.asarray(self._size, dtype=np.int64)[order],
            body=np.asarray(self._body, dtype=np.int64)[order] if self.bodied else none,
            error=np.asarray(self._error, dtype=np.str_)[order],
        )
        begin, last = float(requests.t[0]), float(requests.t[-1])
        end = last + (last - begin) / max(len(order) - 1, 1)
        return LoadTest(self._path, tool, clock, requests, tells, begin, end, (*self._said(), *notes))

    def _said(self) -> Iterator[str]:
        if len(self.names) > 1:
            several = ", ".join(name or "(none)" for name, _ in self.names.most_common(3))
            rest = "" if len(self.names) <= 3 else f" and {len(self.names) - 3} more"
            yield f"{len(self.names)} different requests are judged as one: {several}{rest}"
        if self.expected:
            codes = ", ".join(map(str, sorted(self.expected)))
            yield (
                f"status {codes} is right by what the tool was told, and counts as an error here: "
                "policy: expected_status, in --config FILE, lists all that are right"
            )
