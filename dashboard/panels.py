"""The model of panels.yml, and its reader."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dashboard.yamlfile import PanelsError, read

__all__ = [
    "HERE",
    "Application",
    "Dashboard",
    "Headline",
    "Mark",
    "Panel",
    "PanelsError",
    "Query",
    "Thresholds",
    "load",
]

HERE: Final = Path(__file__).resolve().parent

_OTHERS: Final = {"proxy", "monitor"}  # what the label `app` says of a host without an application

_Text = Annotated[str, Field(min_length=1)]
_Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
# share: of 1 · answers: 1 or 0 · count: a number of things · cores: seconds of CPU a second
_Unit = Literal["share", "answers", "per_second", "seconds", "count", "bytes", "bytes_per_second", "cores"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Application(_Strict):
    """An application that is expected to be there: it is shown even without data, as one that has none."""

    app: _Identifier
    title: _Text


class Mark(_Strict):
    """Moments on the time axis: `query` gives series whose value is the moment, in seconds since 1970."""

    id: _Identifier
    title: _Text
    query: _Text
    text: _Text


class Query(_Strict):
    """PromQL, and what its series are called: {{label}} is the label's value."""

    query: _Text
    legend: _Text


class Thresholds(_Strict):
    """A value is worth a look `when` it is above (or below) `warn`, and bad when above (below) `bad`."""

    when: Literal["above", "below"]
    warn: float
    bad: float

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.bad < self.warn) if self.when == "above" else (self.bad > self.warn):
            raise ValueError("bad must be further out than warn")
        return self


class Headline(_Strict):
    """The number of a panel that stands at the top; it has the panel's unit and thresholds unless it has its own.

    With `decides`, the application's state is unknown while this has no data.
    """

    title: _Text
    query: _Text
    unit: _Unit | None = None
    thresholds: Thresholds | None = None
    decides: bool = False


class Panel(_Strict):
    """One chart for each application, or for each host. `bad`: what a bad value looks like.

    `apps`: only for these applications, or only for hosts whose label `app` is one of these (also `proxy`, `monitor`);
    `max` is where the axis ends, for what cannot be more.
    """

    id: _Identifier
    of: Literal["app", "host"]
    apps: Annotated[list[_Identifier], Field(min_length=1)] | None = None
    title: _Text
    unit: _Unit
    max: float | None = None
    bad: _Text
    thresholds: Thresholds | None = None
    queries: Annotated[list[Query], Field(min_length=1)]
    headline: Headline | None = None

    @model_validator(mode="after")
    def _of_what(self) -> Self:
        if self.of == "host" and self.headline:
            raise ValueError("a host's panel has no headline")
        queries = [query.query for query in self.queries] + ([self.headline.query] if self.headline else [])
        for query in queries:
            unknown = set(re.findall(r"\$\w+", query)) - {f"${self.of}", "$window"}
            if unknown or f'{self.of}="${self.of}"' not in query:
                raise ValueError(
                    f'a query must ask for {self.of}="${self.of}", with $window at most: {query}'
                )
        return self


class Dashboard(_Strict):
    """All of panels.yml."""

    applications: Annotated[list[Application], Field(min_length=1)]
    marks: list[Mark]
    panels: Annotated[list[Panel], Field(min_length=1)]

    @model_validator(mode="after")
    def _names(self) -> Self:
        for names in (
            [application.app for application in self.applications],
            [mark.id for mark in self.marks],
            [panel.id for panel in self.panels],
        ):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"twice: {', '.join(twice)}")
        known = {application.app for application in self.applications}
        for panel in self.panels:
            if unknown := set(panel.apps or ()) - (known if panel.of == "app" else known | _OTHERS):
                raise ValueError(f"{panel.id}: no such application: {', '.join(sorted(unknown))}")
        return self


def load(path: Path = HERE / "panels.yml") -> Dashboard:
    """Read and check `path`. PanelsError with the line of each problem."""
    return read(path, Dashboard)
