"""The options that say where the results go, and what makes a run fail."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from loadgen.conditions import Condition, parse_condition
from loadgen.option_group import OptionGroup, added

__all__ = ["OutputOptions", "output_options"]


class _Condition(click.ParamType[Condition]):
    name = "condition"

    def __init__(self, *, of_worse: bool) -> None:
        self._of_worse = of_worse

    def convert(
        self, value: str | Condition, param: click.Parameter | None, ctx: click.Context | None
    ) -> Condition:
        if isinstance(value, Condition):
            return value
        try:
            condition = parse_condition(value)
        except ValueError as problem:
            self.fail(str(problem), param, ctx)
        if condition.of_worse != self._of_worse:
            option, other = ("--fail-if", "--require") if self._of_worse else ("--require", "--fail-if")
            what = "would fail a run that is good" if self._of_worse else "asks for a run that is bad"
            self.fail(
                f"{value!r} {what}: write {other} '{condition.text}' or {option} '{condition.turned}'",
                param,
                ctx,
            )
        return condition


class _Listen(click.ParamType[tuple[str, int]]):
    name = "[host:]port"

    def convert(
        self, value: str | tuple[str, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, _, port = value.rpartition(":")
        if not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
            self.fail(f"{value!r} is not written PORT or HOST:PORT", param, ctx)
        return host.strip("[]") or "127.0.0.1", int(port)


_LAST_PORT = 65_535
_FILE = click.Path(path_type=Path)


_OPTIONS = (
    click.option(
        "--fail-if",
        type=_Condition(of_worse=True),
        multiple=True,
        help="Exit 5 if this is so: 'p99>200ms', 'service-p50>20ms', 'errors>1%', 'failed>10', 'rate<49/s'. "
        "May be repeated. `failed` are errors, statuses that are not expected, and wrong bodies.",
    ),
    click.option(
        "--require",
        type=_Condition(of_worse=False),
        multiple=True,
        help="Exit 5 unless this is so: 'p99<200ms'. May be repeated.",
    ),
    click.option("--json-out", type=_FILE, help="The summary as JSON."),
    click.option("--html-out", type=_FILE, help="A page with the summary and charts of each second."),
    click.option("--requests-out", type=_FILE, help="CSV file, one row a request."),
    click.option("--hist-out", type=_FILE, help="HdrHistogram log, an interval a second."),
    click.option("--k6-out", type=_FILE, help="The requests as k6's CSV output has them."),
    click.option("--vegeta-out", type=_FILE, help="The requests as JSON that `vegeta report` reads."),
    click.option(
        "--prometheus",
        type=_Listen(),
        help="Serve /metrics there while it runs; without a host on 127.0.0.1 only.",
    ),
    click.option("--events", is_flag=True, help="One JSON object a second on stdout instead of the summary."),
    click.option("--quiet", is_flag=True, help="Nothing on stderr while it runs."),
)
output_options = added(_OPTIONS)


@dataclass(frozen=True, kw_only=True)
class OutputOptions(OptionGroup):
    """What was given for them."""

    fail_if: tuple[Condition, ...]
    require: tuple[Condition, ...]
    json_out: Path | None
    html_out: Path | None
    requests_out: Path | None
    hist_out: Path | None
    k6_out: Path | None
    vegeta_out: Path | None
    prometheus: tuple[str, int] | None
    events: bool
    quiet: bool

    @property
    def files(self) -> tuple[Path, ...]:
        """All that is written."""
        given = (getattr(self, name) for name in self.__dataclass_fields__ if name.endswith("_out"))
        return tuple(path for path in given if path is not None)
