"""What came of requests in some time: counts that add up exactly, whoever counted them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from loadgen.histograms import rounded
from loadgen.request import Kind
from loadgen.result import NEVER_SENT, Result

__all__ = ["OTHER", "OfRequest", "Tally", "bounded"]

OTHER = "other"
_BEYOND = ("timeout", NEVER_SENT)  # errors that took longer than the timeout: percentiles count them as that
_CAPTURE = "capture"  # what an answer is an example of that is whole, but for what a later step needs
_MAX_NAMES = 32  # a server that puts a new name in every response must not use up the memory


def bounded(name: str, seen: Collection[str]) -> str:
    """`name`, or OTHER when `seen` already holds as many other names as are told apart (32)."""
    return name if name in seen or len(seen) < _MAX_NAMES else OTHER


@dataclass(slots=True)
class OfRequest:
    """What came of the requests of one name."""

    latency: Counter[int] = field(default_factory=Counter)
    status: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    wrong_bodies: int = 0

    @property
    def count(self) -> int:
        return self.status.total() + self.errors.total()

    @property
    def beyond(self) -> int:
        """How many took longer than the timeout."""
        return sum(self.errors[kind] for kind in _BEYOND)

    def merge(self, other: OfRequest) -> None:
        self.latency.update(other.latency)
        self.status.update(other.status)
        self.errors.update(other.errors)
        self.wrong_bodies += other.wrong_bodies


@dataclass(slots=True)
class Tally:
    """Counts of results; times are rounded microseconds.

    Attributes:
        latency, lateness, waited, read_late: As Result and Answer have them, where they have them.
        service: Latency since a request was sent.
        status: Of whole responses.
        errors: Of requests without one, by kind.
        examples: What the first of each kind was.
        served_by: Whatever had a server's name in it, by that name.
        good_by: Whole responses of an expected status whose body was not wrong, likewise.
        unexpected: Whole responses of another status than expected.
        wrong_bodies: Whole responses whose body is not as expected.
        bytes: Of whole responses' bodies.
        overloaded: Requests that waited for a connection while the loader used, or waited for, a whole core.
        by_request: By the names of a mix's requests.
    """

    latency: Counter[int] = field(default_factory=Counter)
    lateness: Counter[int] = field(default_factory=Counter)
    waited: Counter[int] = field(default_factory=Counter)
    read_late: Counter[int] = field(default_factory=Counter)
    service: Counter[int] = field(default_factory=Counter)
    status: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    served_by: Counter[str] = field(default_factory=Counter)
    good_by: Counter[str] = field(default_factory=Counter)
    unexpected: int = 0
    wrong_bodies: int = 0
    bytes: int = 0
    overloaded: int = 0
    by_request: dict[str, OfRequest] = field(default_factory=dict)

    @classmethod
    def of(cls, requests: Iterable[str]) -> Tally:
        """An empty one, for a mix of requests with these names."""
        return cls(by_request={name: OfRequest() for name in requests})

    @property
    def completed(self) -> int:
        return self.status.total()

    @property
    def beyond(self) -> int:
        """How many took longer than the timeout."""
        return sum(self.errors[kind] for kind in _BEYOND)

    def add(self, results: Sequence[Result], names: set[str]) -> None:
        """Count results: together, one costs a fraction of what it does alone.

        `names` are those of servers that were seen in the run, and get new ones.
        """
        whole = [each for each in results if each.latency_us is not None]
        self.lateness.update(rounded([each.lateness_us for each in results]))
        self.read_late.update(rounded([late for each in results if (late := each.answer.read_late_us) >= 0]))
        self.waited.update(rounded([each.waited_us for each in results if each.waited_us]))
        latencies = [each.latency_us or 0 for each in whole]
        self.latency.update(rounded(latencies))
        self.service.update(
            rounded(
                [
                    max(0, latency - each.lateness_us - each.waited_us)
                    for latency, each in zip(latencies, whole, strict=True)
                ]
            )
        )
        self.bytes += sum([each.answer.size for each in whole])
        if len(whole) < len(results) or self.by_request:
            for each in results:
                if each.answer.error or each.answer.why:
                    self.examples.setdefault(each.answer.error or _CAPTURE, each.answer.why)
        kinds = Counter(
            [
                (each.kind, answer.served_by, answer.error, answer.status, answer.body_ok)
                for each in results
                for answer in (each.answer,)
            ]
        )
        for (kind, served_by, error, status, body_ok), count in kinds.items():
            self._count(kind, _named(served_by, names), error, status, body_ok, count)
        for name, of_request in self.by_request.items():
            own = [each.latency_us or 0 for each in whole if each.kind.name == name]
            of_request.latency.update(rounded(own))

    def _count(
        self, kind: Kind, name: str, error: str, status: int, body_ok: bool | None, count: int
    ) -> None:
        if name:
            self.served_by[name] += count
        of_request = self.by_request.get(kind.name)
        if error:
            self.errors[error] += count
            if of_request is not None:
                of_request.errors[error] += count
            return
        self.status[status] += count
        wrong = count if body_ok is False else 0
        self.wrong_bodies += wrong
        if of_request is not None:
            of_request.status[status] += count
            of_request.wrong_bodies += wrong
        if wrong:
            return
        if status not in kind.expect_status:
            self.unexpected += count
        elif name:
            self.good_by[name] += count

    def merge(self, other: Tally, names: set[str]) -> None:
        """Add what another counted; `names` as of `add`."""
        for mine, theirs in (
            (self.latency, other.latency),
            (self.lateness, other.lateness),
            (self.waited, other.waited),
            (self.read_late, other.read_late),
            (self.service, other.service),
            (self.status, other.status),
        ):
            mine.update(theirs)
        self.errors.update(other.errors)
        for kind, why in other.examples.items():
            self.examples.setdefault(kind, why)
        for name, count in other.served_by.items():
            self.served_by[_named(name, names)] += count
        for name, count in other.good_by.items():
            self.good_by[_named(name, names)] += count
        self.unexpected += other.unexpected
        self.wrong_bodies += other.wrong_bodies
        self.bytes += other.bytes
        self.overloaded += other.overloaded
        for name, of_request in other.by_request.items():
            self.by_request.setdefault(name, OfRequest()).merge(of_request)


def _named(served_by: str, names: set[str]) -> str:
    """The name that a server's answers are counted under; empty where it said none."""
    if not served_by:
        return ""
    name = bounded(served_by, names)
    names.add(name)
    return name
