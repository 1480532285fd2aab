"""Which metrics exporters and client libraries write, and what of them is worth judging: read from families.yml."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import promql_parser as parser
import yaml
from pydantic import BaseModel, ConfigDict, Field

from pipeline.series import promql

__all__ = ["Carrier", "Families", "Family", "Query", "Role", "names_in", "placed", "read_families"]

_TABLE: Final = Path(__file__).with_name("families.yml")
# One selector of a query in the table, with its rate or increase where it has one.
_SELECTOR: Final = re.compile(
    r"(?P<rate>(?:rate|increase)\()?(?P<name>\w+)\{(?P<own>[^{}]*)\$arm\}(?P<end>\[\$step\]\))?", re.ASCII
)

Query = str | Mapping[str, str]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Labels(_Part):
    """Labels that may tell versions apart, best first."""

    release: tuple[str, ...]
    place: tuple[str, ...]


class Carrier(_Part):
    """A metric with a process' release, joined to its other series by the labels `by`."""

    metric: str
    by: tuple[str, ...]


class Role(_Part):
    """What is judged, whoever measures it: as in a configuration, and the closest margin that is proposed."""

    title: str
    kind: Literal["level", "proportion", "trend"]
    unit: str = "count"
    margin: str
    least: str
    floor: str | None = None
    weight: float = 10
    critical: bool = False
    group: str
    same_as: str | None = Field(default=None, alias="as")


class Family(_Part):
    """The metrics of one exporter or client library."""

    name: str
    requests: str | None = None
    status: tuple[str, ...] = ()
    histogram: str | None = None
    scale: float = 1
    only: str = ""
    service: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    exporter: bool = False
    metrics: Mapping[str, Query] = {}

    def queries(self, there: frozenset[str], status: str | None) -> Iterator[tuple[str, Query]]:
        """Role and query of all that can be asked with the metrics that are `there`; `status`: the label that says it.

        Without a label of the status there are no errors to count.
        """
        arm = ",".join(filter(None, (self.only, "$arm")))
        if self.requests in there and status:
            yield (
                "errors",
                {
                    "hits": f'{self.requests}{{{self.only + "," if self.only else ""}{status}=~"5.*",$arm}}',
                    "total": f"{self.requests}{{{arm}}}",
                },
            )
        if self.histogram:
            yield from self._latency(there, arm)
        yield from ((role, query) for role, query in self.metrics.items() if names_in(query) <= there)

    def _latency(self, there: frozenset[str], arm: str) -> Iterator[tuple[str, Query]]:
        seconds = f" / {self.scale:g}" if self.scale != 1 else ""
        if f"{self.histogram}_bucket" in there:
            for role, quantile in (("latency_p50", "0.5"), ("latency_p99", "0.99")):
                rate = f"sum by (le) (rate({self.histogram}_bucket{{{arm}}}[$step]))"
                yield role, f"histogram_quantile({quantile}, {rate}){seconds}"
        elif f"{self.histogram}_sum" in there:
            parts = (f"sum(rate({self.histogram}_{part}{{{arm}}}[$step]))" for part in ("sum", "count"))
            yield "latency_mean", " / ".join(parts) + seconds

    def names(self) -> frozenset[str]:
        """All metrics that its queries may need."""
        found = {self.requests} if self.requests else set[str]()
        if self.histogram:
            found |= {f"{self.histogram}_{part}" for part in ("bucket", "sum", "count")}
        return frozenset(found).union(*(names_in(query) for query in self.metrics.values()))


class Families(_Part):
    """The whole table."""

    labels: Labels
    carriers: tuple[Carrier, ...]
    roles: Mapping[str, Role]
    families: tuple[Family, ...]


def names_in(query: Query) -> frozenset[str]:
    """The metrics that a query's template selects."""
    texts = [query] if isinstance(query, str) else query.values()
    return frozenset(
        part.name
        for text in texts
        for part in promql.parts(promql.parse(promql.fill_with_examples(text)))
        if isinstance(part, parser.VectorSelector) and part.name
    )


def placed(query: str, service: str, carrier: Carrier | None) -> str:
    """The query of one service: its label matchers beside $arm; with a `carrier` the versions' labels are that one's.

    >>> placed("sum(rate(x{$arm}[$step]))", 'job="shop"', None)
    'sum(rate(x{job="shop",$arm}[$step]))'
    >>> placed("sum(rate(x{$arm}[$step]))", 'job="shop"', Carrier(metric="target_info", by=("job", "instance")))
    'sum((rate(x{job="shop"}[$step]) and on (job, instance) target_info{$arm}))'
    """

    def place(match: re.Match[str]) -> str:
        own = ",".join(filter(None, (match["own"].rstrip(","), service)))
        rate, end = match["rate"] or "", match["end"] or ""
        if carrier is None:
            return f"{rate}{match['name']}{{{own + ',' if own else ''}$arm}}{end}"
        return (
            f"({rate}{match['name']}{{{own}}}{end} and on ({', '.join(carrier.by)}) {carrier.metric}{{$arm}})"
        )

    return _SELECTOR.sub(place, query)


@functools.cache
def read_families() -> Families:
    """The table that comes with this package."""
    data: Any = yaml.safe_load(_TABLE.read_text("utf-8"))
    return Families.model_validate(data)
