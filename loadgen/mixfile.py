"""The YAML file of a mix: `requests:`, `values:` and `seed:`. docs/loadgen.md has an example with every key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from loadgen.mix import Mix
from loadgen.mixkeys import VALUE_NAME, MixError, is_plain, only, text_of
from loadgen.mixrequest import LARGEST, MOST, Common, read_request, read_steps
from loadgen.steps import Steps
from loadgen.template import Template
from loadgen.values import PICKS, Numbers, Rows, Uuids, Values, read_rows

__all__ = ["MixError", "mix_of", "read_mix"]

_SOURCES: Final = ("csv", "numbers", "one_of", "uuid")


def read_mix(path: Path, origin: str, headers: Sequence[tuple[str, str]] = ()) -> Mix:
    """The mix in a file, sent to `origin`. Raises MixError.

    Args:
        path: The file; what it names is beside it.
        origin: Scheme, host and port.
        headers: Of every request that has none of that name itself.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise MixError((), f"larger than {LARGEST // 1_000_000} MB")
        text = raw.decode()
        # A few lines of aliases can stand for billions of values.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise MixError((), "aliases (*name) are not supported")
        document = yaml.safe_load(text)
    except OSError as problem:
        raise MixError((), problem.strerror or str(problem)) from None
    except UnicodeDecodeError:
        raise MixError((), "not a text file in UTF-8") from None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise MixError((), f"{line}{problem.problem or problem.context or 'not YAML'}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        if isinstance(problem, MixError):
            raise
        raise MixError((), "not YAML, or nested too deeply") from None
    return mix_of(document, path.parent, origin, headers)


def mix_of(document: Any, base: Path, origin: str, headers: Sequence[tuple[str, str]] = ()) -> Mix:
    """As `read_mix`, of what stood in a file in the folder `base`."""
    only(document, ("requests", "values", "seed"), ())
    listed = document.get("requests")
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST:
        raise MixError(("requests",), f"a list of 1 to {MOST} requests")
    common = Common(base, origin, headers)
    values = _values(document.get("values"), base)
    known = frozenset(name for one in values.values() for name in one.names)
    entries: list[Template | Steps] = []
    names: set[str] = set()
    for number, given in enumerate(listed):
        at = ("requests", number)
        if isinstance(given, Mapping) and "steps" in given:
            entries.append(steps := read_steps(given, common, at))
            _check_steps(steps, known, names, (*at, "steps"))
        else:
            entries.append(template := read_request(given, common, at))
            _check_names(template, known, names, at)
    if len(names) > MOST:
        raise MixError(("requests",), f"more than {MOST} requests, steps included")
    seed = document.get("seed", 1)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise MixError(("seed",), "a whole number")
    return Mix(tuple(entries), values, seed)


def _check_steps(steps: Steps, known: frozenset[str], names: set[str], at: Sequence[str | int]) -> None:
    """A step may fill in what steps before it captured, too."""
    captured = known
    for number, step in enumerate(steps.templates):
        _check_names(step, captured, names, (*at, number))
        own = {capture.name for capture in step.captures}
        if taken := sorted(own & known):
            raise MixError((*at, number, "capture"), f"{taken[0]!r} is the name of a value, too")
        captured |= own


def _check_names(template: Template, known: frozenset[str], names: set[str], at: Sequence[str | int]) -> None:
    """What it is called, and what is filled in; its name is added to `names`."""
    if template.kind.name in names:
        raise MixError((*at, "name"), f"{template.kind.name!r} is the name of another one, too")
    names.add(template.kind.name)
    if unknown := sorted(template.names - known):
        there = f"there is {', '.join(sorted(known)[:6])}" if known else "there are none under values"
        raise MixError(at, f"no value is called {unknown[0]!r}: {there}")


def _values(given: Any, base: Path) -> dict[str, Values]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise MixError(("values",), "a mapping of names to where the values come from")
    found = {}
    for name, source in given.items():
        at = ("values", str(name))
        if not isinstance(name, str) or not VALUE_NAME.fullmatch(name):
            raise MixError(at, "not a name: letters, digits, _ and -")
        try:
            found[name] = _value(name, source, base, at)
        except MixError:
            raise
        except ValueError as problem:
            raise MixError(at, str(problem)) from None
    return found


def _value(name: str, given: Any, base: Path, at: Sequence[str | int]) -> Values:
    only(given, (*_SOURCES, "pick"), at)
    sources = [key for key in _SOURCES if key in given]
    if len(sources) != 1:
        raise MixError(at, f"one of {', '.join(_SOURCES)} says where the values come from")
    (source,) = sources
    content, pick = given[source], given.get("pick", PICKS[0])
    if pick not in PICKS:
        raise MixError((*at, "pick"), f"one of {', '.join(PICKS)}")
    if source == "csv":
        return read_rows(name, base / text_of(content, (*at, source)), pick)
    if source == "uuid":
        if content is not True or "pick" in given:
            raise MixError(at, "write uuid: true, and no pick: they are random")
        return Uuids(name)
    if not isinstance(content, list) or not all(is_plain(one) for one in content):
        raise MixError((*at, source), "a list of texts or numbers")
    if source == "numbers":
        if len(content) != 2 or not all(isinstance(one, int) for one in content):
            raise MixError((*at, source), "the first and the last of them: [1, 1000]")
        return Numbers(name, content[0], content[1], pick)
    if not content:
        raise MixError((*at, source), "at least one")
    return Rows([{name: str(one)} for one in content], pick)
