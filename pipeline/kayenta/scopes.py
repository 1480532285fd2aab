"""The scopes that Kayenta's queries are filled from: those of an execution request, and what the command line says.

A request of Kayenta's own API has `scopes` by name, with `controlScope` and `experimentScope`; one of its standalone
API has a list. Both are read. What is given by `--scope` wins, for each named scope.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Discriminator, Field, StrictStr, Tag, field_validator, model_validator

from pipeline.base.errors import UsageError
from pipeline.base.text import printable
from pipeline.base.units import parse_duration
from pipeline.kayenta.config import Part, or_empty
from pipeline.kayenta.query import Scope
from pipeline.series.window import SpanConfig, WindowConfig, parse_instant

__all__ = ["ARMS", "ScopePair", "ScopesRequest", "Typed", "parse_scopes"]

ARMS: Final = ("baseline", "canary")
_USUAL_STEP: Final = 60  # seconds; what Kayenta's standalone API takes
_LONGEST_STEP: Final = 3600
_LATEST: Final = 4e9  # seconds since 1970
_KEY: Final = re.compile(r"(?:(baseline|canary)\.)?([A-Za-z_][A-Za-z0-9_.-]*)", re.ASCII)
_HINT: Final = (
    "--scope baseline=NAME --scope canary=NAME --scope location=REGION --scope step=60s --scope KEY=VALUE"
)


def _text(value: Any) -> Any:
    """Instants and parameters as text: Kayenta's JSON reader takes numbers for both."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _instant(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("must be a time, such as 2026-01-31T10:00:00Z")
    if isinstance(value, str):
        parse_instant(value, 0.0)
        return value
    if not 0 <= value <= _LATEST:
        raise ValueError("is no time in seconds since 1970")
    return datetime.fromtimestamp(value, UTC).isoformat()


_Instant = Annotated[StrictStr, BeforeValidator(_instant)]
_Params = Mapping[str, Annotated[StrictStr, BeforeValidator(_text)]]
_Step = Annotated[int, Field(strict=True, ge=1, le=_LONGEST_STEP)]


class _Scope(Part):
    scope: StrictStr | None = None
    location: StrictStr | None = None
    start: _Instant | None = None
    end: _Instant | None = None
    step: _Step | None = None
    extended_scope_params: _Params | None = None


class _Pair(Part):
    control_scope: _Scope
    experiment_scope: _Scope

    @model_validator(mode="after")
    def _one_step(self) -> _Pair:
        steps = {self.control_scope.step, self.experiment_scope.step} - {None}
        if len(steps) > 1:
            raise ValueError("the two scopes have different steps: both versions need one")
        return self


class _Listed(Part):
    """One scope of the standalone API, for both versions."""

    scope_name: StrictStr = "default"
    control_scope: StrictStr | None = None
    control_location: StrictStr | None = None
    control_offset_in_minutes: int = 0
    experiment_scope: StrictStr | None = None
    experiment_location: StrictStr | None = None
    start_time_iso: _Instant | None = None
    end_time_iso: _Instant | None = None
    step: _Step = _USUAL_STEP
    extended_scope_params: _Params | None = None

    @field_validator("control_offset_in_minutes")
    @classmethod
    def _not_moved(cls, value: int) -> int:
        if value:
            raise ValueError("is not read: give --baseline-from and --baseline-to")
        return value

    def pair(self) -> _Pair:
        both = {"start": self.start_time_iso, "end": self.end_time_iso, "step": self.step}
        params = {"extendedScopeParams": self.extended_scope_params}
        control = {"scope": self.control_scope, "location": self.control_location}
        experiment = {"scope": self.experiment_scope, "location": self.experiment_location}
        return _Pair.model_validate(
            {"controlScope": both | params | control, "experimentScope": both | params | experiment}
        )


def _form(value: Any) -> str:
    return "listed" if isinstance(value, list | tuple) else "named"


# By which of the two is meant only that one's problems are told.
_Scopes = Annotated[
    Annotated[Mapping[str, _Pair], Tag("named")] | Annotated[tuple[_Listed, ...], Tag("listed")],
    Discriminator(_form),
]


class ScopesRequest(Part):
    """The part of an execution request that says where the series are."""

    scopes: Annotated[_Scopes, BeforeValidator(or_empty)] = Field(default_factory=dict)

    def pairs(self) -> dict[str, ScopePair]:
        """Each scope by its name."""
        given = self.scopes
        named = given if isinstance(given, Mapping) else {one.scope_name: one.pair() for one in given}
        return {
            name: ScopePair(
                {
                    arm: Scope(one.scope or "", one.location or "", one.extended_scope_params or {})
                    for arm, one in zip(ARMS, (pair.control_scope, pair.experiment_scope), strict=True)
                },
                pair.experiment_scope.step or pair.control_scope.step or _USUAL_STEP,
                _window(pair),
            )
            for name, pair in named.items()
        }


@dataclass(frozen=True, slots=True)
class ScopePair:
    """Both versions' scopes, the seconds of a step, and their windows where the request has them."""

    arms: Mapping[str, Scope] = field(default_factory=lambda: {arm: Scope() for arm in ARMS})
    step: int = _USUAL_STEP
    window: WindowConfig | None = None


def _window(pair: _Pair) -> WindowConfig | None:
    spans = {
        arm: {"from": one.start, "to": one.end}
        for arm, one in zip(ARMS, (pair.control_scope, pair.experiment_scope), strict=True)
    }
    if any(edge is None for span in spans.values() for edge in span.values()):
        return None
    return WindowConfig.model_validate({arm: SpanConfig.model_validate(span) for arm, span in spans.items()})


@dataclass(frozen=True, slots=True)
class Typed:
    """What `--scope` says: for each version its keys, and the step."""

    arms: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: {arm: {} for arm in ARMS})
    step: int | None = None

    @property
    def given(self) -> bool:
        """Whether anything was."""
        return self.step is not None or any(self.arms.values())

    def over(self, pair: ScopePair) -> ScopePair:
        """The scopes with what was typed in the place of theirs."""
        arms = {}
        for arm, scope in pair.arms.items():
            typed = dict(self.arms[arm])
            arms[arm] = Scope(
                typed.pop("scope", scope.scope),
                typed.pop("location", scope.location),
                {**scope.params, **typed},
            )
        return replace(pair, arms=arms, step=self.step or pair.step)


def parse_scopes(texts: Iterable[str]) -> Typed:
    """Each KEY=VALUE of `--scope`; without `baseline.` or `canary.` a key is for both. Raises UsageError."""
    arms: dict[str, dict[str, str]] = {arm: {} for arm in ARMS}
    step: int | None = None
    for text in texts:
        key, sign, value = text.partition("=")
        match = _KEY.fullmatch(key)
        if match is None or not sign or not value:
            raise UsageError(f"--scope {printable(text, 60)!r} is not KEY=VALUE", hint=_HINT)
        arm, name = match[1], match[2]
        if name in ARMS and arm is None:
            arms[name]["scope"] = value
        elif name in ("start", "end"):
            raise UsageError(f"--scope {key}: a window is given by --from and --to, --baseline-from, ...")
        elif name == "step":
            step = _step(text, value)
        else:
            for one in (arm,) if arm else ARMS:
                arms[one][name] = value
    return Typed(arms, step)


def _step(text: str, value: str) -> int:
    try:
        seconds = parse_duration(value)
    except ValueError as error:
        raise UsageError(f"--scope {printable(text, 60)}: {error}") from None
    if seconds != int(seconds) or not 1 <= seconds <= _LONGEST_STEP:
        raise UsageError(f"--scope {printable(text, 60)}: a step is a whole number of seconds, up to 1h")
    return int(seconds)
