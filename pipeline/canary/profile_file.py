"""The file of a profile: found by its name, filled in from the environment, and checked to the last request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from loadgen.mixfile import MixError, mix_of
from loadgen.template import PLACEHOLDER
from pipeline.base.environment import environment, fill_document
from pipeline.base.errors import ConfigError, UsageError
from pipeline.base.places import PROFILES
from pipeline.base.yamlfile import Document, read_yaml, validate
from pipeline.canary.profile import Profile
from pipeline.canary.profile_request import (
    Expect,
    Health,
    MixedRequest,
    NamedRequest,
    Request,
    Route,
    Sequence,
    Step,
)
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule

__all__ = ["load_profile"]

# Where ${NAME} is taken from the environment: what is neither seen by others on a host nor shown by this tool.
_FILLED: Final = (
    ("environment",),
    ("request", "headers"),
    ("request", "query"),
    ("request", "body"),
    ("request", "json"),
)
_PARTS: Final = ("headers", "query", "body", "json")  # of each of `requests`, and of their steps


def load_profile(name_or_path: str | Path) -> Profile:
    """The profile in a file, or the one of that name in profiles/.

    A name has neither a slash nor a suffix. Raises ConfigError with every problem and its line, or UsageError
    when there is no such profile.
    """
    text = str(name_or_path)
    named = isinstance(name_or_path, str) and re.fullmatch(r"[A-Za-z0-9_-]+", text) is not None
    path = PROFILES / f"{text}.yml" if named else Path(text)
    try:
        there = path.is_file()
    except OSError:  # a name too long, a directory that may not be looked into
        there = False
    if not there:
        have = ", ".join(sorted(file.stem for file in PROFILES.glob("*.yml")))
        what = "is neither a file nor the name of a profile" if named else "is not a file"
        raise UsageError(
            f"profile {text[:200]!r} {what}", hint=f"use one of {have}, or the path of a YAML file"
        )
    shown = f"profiles/{path.name}" if named else text
    known = {
        field.alias or name
        for model in (Profile, MixedRequest, Step, Sequence, Route, Health, Expect, MetricRule, Policy)
        for name, field in model.model_fields.items()
    }
    document = read_yaml(path, shown)
    filled = _fill(document, path)
    _beside(document, path.parent)
    profile = validate(document, Profile, known)
    mix = _mix_for_the_loader(profile) if profile.requests else {}
    profile.complete(filled, mix, _first_of(mix, document) if mix else None)
    return profile


def _mix_for_the_loader(profile: Profile) -> Mapping[str, Any]:
    """Several requests as the loader's own reader takes them."""
    requests = [
        {"weight": given.weight, "steps": [_for_the_loader(step, profile.expect) for step in given.steps]}
        if isinstance(given, Sequence)
        else _for_the_loader(given, profile.expect)
        for given in profile.requests
    ]
    values = {
        name: {**source, "csv": str(Path(file).absolute())}
        if isinstance(file := source.get("csv"), str)
        else dict(source)
        for name, source in profile.values.items()
    }
    return {"seed": profile.seed, "values": values, "requests": requests}


def _first_of(mix: Mapping[str, Any], document: Document) -> Request:
    """The first of them with the first values. Raises ConfigError for what the loader refuses."""
    try:
        first = mix_of(mix, Path(), "").first_of_each()[0]
    except MixError as error:
        raise ConfigError(document.name, [f"{document.name}:{document.line(error.at)}: {error}"]) from None
    path, _, query = first.url.partition("?")
    return Request.model_construct(
        method=first.method,
        path=path,
        query=query,
        headers=dict(first.headers),
        body=None if first.body is None else first.body.decode("utf-8", "surrogateescape"),
        json_body=None,
    )


def _for_the_loader(given: NamedRequest, expect: Expect) -> dict[str, Any]:
    """A request with its file's whole path, and with what is expected of it."""
    parts = given.model_dump(mode="json", by_alias=True, exclude={"expect"})
    kept = {key: value for key, value in parts.items() if value is not None}
    if "body_file" in kept:
        kept["body_file"] = str(Path(kept["body_file"]).absolute())
    return {**kept, "expect": (given.expect or expect).model_dump(mode="json", exclude_none=True)}


def _places(document: Document) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Where in the document each of several requests is, steps included, and what stands there."""
    data = document.data if isinstance(document.data, Mapping) else {}
    listed = data.get("requests")
    for number, given in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(given, dict):
            yield ("requests", number), given
            steps = given.get("steps")
            for place, step in enumerate(steps if isinstance(steps, list) else ()):
                if isinstance(step, dict):
                    yield ("requests", number, "steps", place), step


def _beside(document: Document, folder: Path) -> None:
    """The files that a mix names are beside the profile."""
    for _, given in _places(document):
        if isinstance(given.get("body_file"), str):
            given["body_file"] = str(folder / given["body_file"])
    values = document.data.get("values") if isinstance(document.data, Mapping) else None
    for source in values.values() if isinstance(values, dict) else ():
        if isinstance(source, dict) and isinstance(source.get("csv"), str):
            source["csv"] = str(folder / source["csv"])


def _fill(document: Document, path: Path) -> frozenset[tuple[str | int, ...]]:
    """Takes each `${NAME}` from the environment or the profile's env_file; gives where they stood."""
    named = document.data.get("env_file") if isinstance(document.data, Mapping) else None
    values = environment()
    if isinstance(named, str) and named:
        try:
            values = environment(path.parent / Path(named).expanduser())
        except ConfigError as error:
            document.problems["env_file",] = "; ".join(error.problems)
            return frozenset()
    places = dict(_places(document))
    captured = [
        (*place, "capture", name, "regex")
        for place, given in places.items()
        for name in (given["capture"] if isinstance(given.get("capture"), dict) else ())
    ]
    return fill_document(
        document,
        values,
        (*_FILLED, *((*place, part) for place in places for part in _PARTS)),
        leave=[
            ("expect", "body_regex"),
            *((*place, "expect", "body_regex") for place in places),
            *captured,
        ],
        later=dict.fromkeys(places, PLACEHOLDER),
    )
