"""What a server has that is worth judging: of which service, and which label tells its versions apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.base.errors import UsageError
from pipeline.base.text import clean
from pipeline.gate.families import Carrier, Families, Family
from pipeline.series import promql
from pipeline.series.matchers import Matcher
from pipeline.series.prometheus import Prometheus

__all__ = ["Choose", "Label", "Service", "Survey", "survey"]

# Asks which of several; gives its place. None: there is nobody to ask.
Choose = Callable[[str, Sequence[str]], int] | None

_STATUS: Final = re.compile(r"[1-5](?:\d\d|xx)?")
_SHOWN: Final = 5  # values or candidates that a line names
_RELEASE, _FAMILY, _PLACE = range(3)


@dataclass(frozen=True, slots=True)
class Service:
    """One service.

    Attributes:
        matchers: the labels that its series have.
        families: whose metrics it has, best first; `there` are those metrics.
        given: those of the matchers that were typed; `beside`: metrics of other jobs that have them as well.
    """

    matchers: Mapping[str, str]
    families: tuple[Family, ...]
    there: frozenset[str]
    given: Mapping[str, str]
    beside: frozenset[str]

    def of(self, family: Family) -> Mapping[str, str]:
        """Those of the matchers that a family's series have."""
        own = {"job", *family.service}
        foreign = {label for other in self.families for label in other.service} - own
        return {name: value for name, value in self.matchers.items() if name not in foreign}

    def anchor(self) -> tuple[str, Mapping[str, str], str]:
        """The metric by which it is known, and the matchers that it needs."""
        family = self.families[0]
        name = family.requests or min(family.names() & self.there)
        return name, self.of(family), family.only


@dataclass(frozen=True, slots=True)
class Label:
    """A label that may tell versions apart: the values it has now, and on how many series each.

    `carrier` is the metric that has it, where the service's own series have not.
    """

    name: str
    values: Mapping[str, int]
    rank: int
    carrier: Carrier | None = None

    @property
    def is_place(self) -> bool:
        """Whether it names a host or a pod, not a version."""
        return self.rank == _PLACE

    def __str__(self) -> str:
        shown = [f"{clean(value, 40)} ({count:,})" for value, count in [*self.values.items()][:_SHOWN]]
        more = ", ..." if len(self.values) > _SHOWN else ""
        of = f" of {self.carrier.metric}" if self.carrier else ""
        return f"{self.name}{of}: {', '.join(shown)}{more}"


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found out.

    Attributes:
        service: which service.
        label: the label that tells its versions apart.
        candidates: all labels that might.
        status: by family, the label that says how its requests ended.
    """

    service: Service
    label: Label
    candidates: tuple[Label, ...]
    status: Mapping[str, str]


def survey(
    table: Families, client: Prometheus, given: Mapping[str, str], label: str | None, choose: Choose
) -> Survey:
    """Look at the server. `given` are matchers of the service, `label` the one to take, where they were typed.

    Raises UsageError where there is nothing to judge, or several and nobody to ask; and what the client raises.
    """
    service = _service(table, client, given, choose)
    candidates = _candidates(table, client, service)
    chosen = _chosen(candidates, label, choose)
    status = {
        family.name: found for family in service.families if (found := _status(client, service, family))
    }
    return Survey(service, chosen, candidates, status)


def _count(names: Iterable[str], by: Iterable[str], matchers: Mapping[str, str], only: str = "") -> str:
    """How many series each of the names has, by some labels; of a histogram one bucket alone is counted."""
    arm = {name: Matcher("=", value) for name, value in matchers.items()}
    parts = (f'__name__=~"{"|".join(sorted(names))}"', 'le=~"|[+]Inf"', only, "$arm" if arm else "")
    return promql.fill(f"count by ({', '.join(by)}) ({{{','.join(filter(None, parts))}}})", arm, 1)


def _service(table: Families, client: Prometheus, given: Mapping[str, str], choose: Choose) -> Service:
    names = frozenset[str]().union(*(family.names() for family in table.families))
    names |= {carrier.metric for carrier in table.carriers}
    by = ("__name__", "job", *dict.fromkeys(label for family in table.families for label in family.service))
    rows = [value.labels for value in client.query(_count(names, by, given))]
    if not rows:
        of = f" for {_text(given)}" if given else ""
        raise UsageError(
            f"{client.url} has none of the metrics that are known here{of}",
            hint="docs/gate.md has the list; a file for other metrics: docs/prometheus.md",
        )
    of_requests = [family for family in table.families if family.requests]
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for families in (of_requests, table.families):
        for family in families:
            main = {family.requests} if family.requests else family.names()
            for row in (row for row in rows if row.get("__name__") in main):
                key = tuple((label, row[label]) for label in ("job", *family.service) if row.get(label))
                found.setdefault(key, []).append(family.name)
        if found:
            break
    keys = sorted(found)
    if not keys:
        raise UsageError(
            f"{client.url}: the series of no known metric have a job", hint="--service LABEL=VALUE"
        )
    at = 0
    if len(keys) > 1:
        told = [f"{_text(dict(key))} ({', '.join(dict.fromkeys(found[key]))})" for key in keys]
        if choose is None:
            raise UsageError(
                f"which service? {'; '.join(told[:_SHOWN])}{'; ...' if len(told) > _SHOWN else ''}",
                hint=f"--service {_option(keys[0])}",
            )
        at = choose("Which service?", told)
    matchers = {**given, **dict(keys[at])}
    mine = [row for row in rows if all(row.get(label, value) == value for label, value in matchers.items())]
    there = frozenset(row["__name__"] for row in mine if "__name__" in row)
    families = tuple(
        family
        for family in table.families
        if (family.requests in there if family.requests else family.names() & there)
    )
    beside = {row["__name__"] for row in rows if "__name__" in row} if given else set[str]()
    return Service(matchers, families, there, given, frozenset(beside))


def _text(matchers: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={clean(value, 60)}" for name, value in matchers.items())


def _option(key: Iterable[tuple[str, str]]) -> str:
    return " --service ".join(f"{name}={clean(value, 60)}" for name, value in key)


def _candidates(table: Families, client: Prometheus, service: Service) -> tuple[Label, ...]:
    """The labels that might tell versions apart, those that do best first."""
    family = service.families[0]
    anchor, matchers, only = service.anchor()
    ranked = {
        **dict.fromkeys(table.labels.place, _PLACE),
        **dict.fromkeys(table.labels.release, _RELEASE),
        **dict.fromkeys(family.versions, _FAMILY),
    }
    found = _labelled(client, [anchor], ranked, matchers, only)
    if not any(label.rank == _RELEASE for label in found):
        release = dict.fromkeys(table.labels.release, _RELEASE)
        for carrier in table.carriers:
            if carrier.metric in service.there:
                found += _labelled(client, [carrier.metric], release, matchers, "", carrier)
    order = {_FAMILY: 0, _RELEASE: 1, _PLACE: 2}
    return tuple(sorted(found, key=lambda label: order[label.rank]))


def _labelled(
    client: Prometheus,
    names: Sequence[str],
    ranked: Mapping[str, int],
    matchers: Mapping[str, str],
    only: str,
    carrier: Carrier | None = None,
) -> list[Label]:
    rows = client.query(_count(names, ranked, matchers, only))
    total = sum(row.value for row in rows)
    found = []
    for name, rank in ranked.items():
        values = Counter[str]()
        for row in rows:
            if row.labels.get(name):
                values[row.labels[name]] += int(row.value)
        # On few of the series it says something else of them.
        if values and values.total() > total / 2:
            found.append(Label(name, dict(sorted(values.items())), rank, carrier))
    return found


def _chosen(candidates: Sequence[Label], wanted: str | None, choose: Choose) -> Label:
    told = [str(label) for label in candidates]
    if wanted is not None:
        for label in candidates:
            if label.name == wanted:
                return label
        raise UsageError(
            f"--label {wanted}: not on the service's series; there is {'; '.join(told[:_SHOWN]) or 'none'}",
            hint=f"--label {candidates[0].name}" if candidates else None,
        )
    if not candidates:
        raise UsageError(
            "no label of the service's series tells versions apart",
            hint="let the scrape configuration add one, or write a query for each version: docs/prometheus.md",
        )
    best = [label for label in candidates if label.rank == candidates[0].rank]
    if len(candidates) > 1 and choose is not None:
        return candidates[choose("Which label tells its versions apart?", told)]
    if len(best) > 1:
        raise UsageError(
            f"which label tells the versions apart? {'; '.join(told[:_SHOWN])}",
            hint=f"--label {best[0].name}",
        )
    return best[0]


def _status(client: Prometheus, service: Service, family: Family) -> str | None:
    """The label that says how a family's requests ended; None where none does."""
    if family.requests not in service.there or not family.status:
        return None
    if len(family.status) == 1:
        return family.status[0]
    rows = client.query(_count([family.requests], family.status, service.of(family), family.only))
    for name in family.status:
        values = [row.labels[name] for row in rows if row.labels.get(name)]
        if values and all(_STATUS.fullmatch(value) for value in values):
            return name
    return None
