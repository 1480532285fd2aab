"""A service profile: how one kind of service is installed, started, asked and judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    JsonValue,
    PrivateAttr,
    model_validator,
)

from pipeline.base.mask import MASK, looks_secret, masked_words, remember
from pipeline.base.text import plural
from pipeline.base.units import parse_duration
from pipeline.base.yamlfile import matching
from pipeline.canary.profile_request import (
    Entry,
    Expect,
    Health,
    Line,
    NamedRequest,
    Part,
    Request,
    Route,
    Sequence,
)
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule, default_rules
from pipeline.judge.words import titles_of
from pipeline.runs.shown import without_secrets

__all__ = ["Profile"]

_Word = Annotated[
    str,
    matching(r"[^\x00-\x1f\x7f]+", "a word of a command (empty, or with a control character)", shown=False),
]
_Argv = Annotated[tuple[_Word, ...], Field(min_length=1)]
_VariableName = Annotated[str, matching(r"[A-Za-z_][A-Za-z0-9_]*", "a variable's name", shown=False)]
_Package = Annotated[str, matching(r"[a-z0-9][a-z0-9+.-]+", "a Debian package's name")]
_Seconds = Annotated[float, BeforeValidator(parse_duration), Field(le=600)]


class Profile(Part):
    """One kind of service; docs and example: profiles/preview.yml.

    `install` (commands, run in the release directory as the service's user) and `start` are lists of words
    that no shell expands. `start_timeout` is in seconds. `health` is asked, where it is given, before the first
    request; without it the service is ready when it answers the profile's own request. `routes` is never empty:
    without any, the public path is asked. `env_file`, beside the profile, holds values for `${NAME}` that the
    environment does not set. Instead of the one `request` there may be several `requests`, or sequences of `steps`,
    with `values` to fill in, and the `seed` of what is drawn by chance (loadgen/mixfile.py): then `request` is the
    first of them, with the first values. That one is asked before the load, and beside it.
    """

    name: Annotated[str, matching(r"[a-z][a-z0-9-]{0,31}", "a name: small letters, digits and hyphens")]
    install: tuple[_Argv, ...] = ()
    start: _Argv
    environment: Mapping[_VariableName, Line] = Field(default_factory=dict)
    env_file: Annotated[str, matching(r"[^\x00-\x1f\x7f]+", "the path of a file")] | None = None
    port: Annotated[int, Field(ge=1024, le=65535)]
    start_timeout: _Seconds = 30.0
    request: Request
    requests: tuple[Entry, ...] = ()
    values: Mapping[str, Mapping[str, JsonValue]] = Field(default_factory=dict)
    seed: int = 1
    routes: tuple[Route, ...] = ()
    health: Health | None = None
    expect: Expect = Expect()
    packages: tuple[_Package, ...] = ()
    metrics: Annotated[tuple[MetricRule, ...], Field(min_length=1)] = Field(default_factory=default_rules)
    policy: Policy = Policy()

    _mix: Mapping[str, Any] = PrivateAttr(default_factory=dict)
    _taken: frozenset[tuple[str | int, ...]] = PrivateAttr(default=frozenset())  # texts that had a ${NAME}

    @model_validator(mode="before")
    @classmethod
    def _null_is_nothing(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        # `install: null` and an empty `routes:` mean none; a null where something must be is still reported.
        optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
        given = {key: value for key, value in data.items() if value is not None or key not in optional}
        if "requests" in given:
            if "request" in given:
                raise ValueError("give request or requests, not both")
            given["request"] = {"path": "/"}  # the first of them takes its place, once its values are known
        return given

    @model_validator(mode="after")
    def _complete(self) -> Profile:
        names = [rule.name for rule in self.metrics]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"metrics: {', '.join(twice)} is given twice")
        if not self.requests and (self.values or self.seed != 1):
            raise ValueError("values and seed go with requests, and there is only one request")
        if self.requests and self.routes:
            raise ValueError("routes go with one request: of several, each version has all paths as they are")
        if not self.routes:
            object.__setattr__(self, "routes", (Route(path=self.request.path),))
        if not self.policy.expected_status:
            policy = self.policy.model_copy(update={"expected_status": self.expect.status})
            object.__setattr__(self, "policy", policy)
        return self

    def complete(
        self, filled: frozenset[tuple[str | int, ...]], mix: Mapping[str, Any], first: Request | None
    ) -> None:
        """Take what the file's reader found out, and keep secrets out of sight from now on.

        Args:
            filled: the keys and list numbers of what had a `${NAME}`.
            mix: several requests as the loader reads them; empty where there is one.
            first: of several requests, with the first values.
        """
        self._taken, self._mix = filled, mix
        if first is not None:
            object.__setattr__(self, "request", first)
            object.__setattr__(self, "routes", (Route(path=first.path),))
        self._remember_secrets()

    @property
    def mix(self) -> Mapping[str, Any]:
        """Several requests as the loader reads them, files by their whole paths; empty where there is one."""
        return self._mix

    @property
    def named_requests(self) -> tuple[NamedRequest, ...]:
        """All of several requests, steps included; empty where there is one."""
        return tuple(
            one for each in self.requests for one in (each.steps if isinstance(each, Sequence) else (each,))
        )

    @property
    def has_steps(self) -> bool:
        return any(isinstance(entry, Sequence) for entry in self.requests)

    @property
    def requests_per_arrival(self) -> float:
        """How many requests are sent for one that is due by the clock, on average: all steps of a sequence."""
        if not self.requests:
            return 1.0
        weights = [entry.weight for entry in self.requests]
        sizes = [len(entry.steps) if isinstance(entry, Sequence) else 1 for entry in self.requests]
        return sum(weight * size for weight, size in zip(weights, sizes, strict=True)) / sum(weights)

    @property
    def asked_for(self) -> str:
        """What the load is of, in words: the path, or the names of several requests."""
        if not self.requests:
            return self.request.path
        names = [one.name for one in self.named_requests]
        return f"{plural(len(names), 'request')} ({titles_of(names)})"

    @property
    def right_statuses(self) -> tuple[int, ...]:
        """All that are right for any request."""
        each = [one.expect or self.expect for one in self.named_requests] or [self.expect]
        return tuple(dict.fromkeys(status for expect in each for status in expect.status))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, for run.json. What may be a secret is masked, and all that had a `${NAME}`."""
        left_out = {"request", "routes"} if self.requests else {"requests", "values", "seed"}
        plain = self.model_dump(mode="json", by_alias=True, exclude=left_out)
        for place, last in self._filled(plain):
            place[last] = MASK
        return without_secrets(plain)

    def _filled(self, plain: dict[str, Any]) -> Iterator[tuple[Any, str | int]]:
        """What had a `${NAME}`: the mapping or list of `plain` in which it stands, and its key there."""
        for *parents, last in self._taken:
            inner: Any = plain
            for key in parents:
                inner = inner[key]
            yield inner, last

    def _remember_secrets(self) -> None:
        """From now on, what is shown or logged has a mask in place of this profile's secrets."""
        for place, last in self._filled(self.model_dump(mode="json", by_alias=True)):
            if isinstance(place[last], str):
                remember(place[last], sure=looks_secret(str(last)))
        requests = self.named_requests or (self.request,)
        for request in requests:
            kept = without_secrets({"environment": self.environment, "request": {"headers": request.headers}})
            shown = {**kept["environment"], **kept["request"]["headers"]}
            for name, value in {**self.environment, **request.headers}.items():
                if shown[name] != value:
                    remember(value, sure=looks_secret(name))
        for words in (*self.install, self.start):
            for word, kept_word in zip(words, masked_words([*words]), strict=True):
                if kept_word == MASK:  # the value of --password, which may stand elsewhere, too
                    remember(word, sure=True)
                elif kept_word.endswith(f"={MASK}") and " " not in word:
                    remember(word.partition("=")[2], sure=True)
        for request in requests:
            for pair in request.query.split("&"):
                name, _, value = pair.partition("=")
                if looks_secret(name):
                    remember(value, sure=True)
