"""Spoilt configurations of series, Spinnaker's configurations, and profiles: each is read, or refused with its line.

    python -m bench.inputs.fuzz_configs --count 10000 --seed 1

Good files are spoilt in their structure (a value of another kind, a key renamed, moved a level up or dropped, a list
around it) or in their text. A traceback, a hang, a problem without its line or with a name of the library that
checks it, and a suggestion of the word itself are faults. Exit 1 if there are any.
"""

from __future__ import annotations

import copy
import json
import random
import re
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bench.inputs.run import at_most, options, show
from pipeline.base.errors import ConfigError, UsageError
from pipeline.base.places import PROFILES
from pipeline.canary.profile_file import load_profile
from pipeline.kayenta.config import load_config as load_kayenta
from pipeline.series.config import load_config as load_series
from tests.support.judge_config import EXAMPLE

__all__ = ["Fault", "faults"]

_PATIENCE: Final = 10  # seconds in which one file must be read
_SPINNAKERS: Final[dict[str, Any]] = {
    "name": "a service",
    "judge": {"name": "NetflixACAJudge-v1.0", "judgeConfigurations": {}},
    "metrics": [
        {
            "name": "latency_p99",
            "query": {"type": "prometheus", "metricName": "latency"},
            "groups": ["requests"],
            "analysisConfigurations": {
                "canary": {
                    "direction": "increase",
                    "nanStrategy": "replace",
                    "critical": True,
                    "effectSize": {"measure": "cles", "allowedIncrease": 0.7},
                    "outliers": {"strategy": "remove", "outlierFactor": 2},
                },
                "extendedProperties": {"staticBaseline": 300},
            },
            "scopeName": "default",
        },
        {"name": "errors", "groups": ["requests"], "analysisConfigurations": {"canary": {"muted": False}}},
    ],
    "classifier": {"groupWeights": {"requests": 100}, "scoreThresholds": {"pass": 95, "marginal": 75}},
}
_ODD: Final[tuple[Any, ...]] = (
    *(None, True, 0, -1, 1e308, 10**30, "", "x", "$arm", "sum(x_total{$arm})", "rate(x[$__rate_interval])"),
    *(
        "x{$arm",
        "((((",
        "-" * 4000 + "x",
        "\x00",
        "é\u202e",
        "10%",
        "${HOME}",
        [],
        {},
        [[]],
        [{}],
        {"a": None},
    ),
    *({"canary": 1}, {"baseline": "a", "canary": 2}, "now", "-1h", "2026-01-01", 3.5, ["200", 200]),
)
_INNER: Final = re.compile(
    r"function-|constrained|\[key\]|tagged-union|pydantic|dataclass|PerArm|_Part|instance of|\bTuple\b|\bInput\b"
)
_SUGGESTED: Final = re.compile(r"'([^']+)'(?: in [^:]*)?(?: is not read)?: did you mean '\1'\?")


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that was neither read nor refused as it should be."""

    kind: str
    text: str
    what: str


def _places(data: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield at
    for key, value in (
        data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    ):
        yield from _places(value, (*at, key))


def _inside(data: Any, at: tuple[str | int, ...]) -> Any:
    for step in at:
        data = data[step]
    return data


def _spoil_structure(data: Any, rng: random.Random) -> Any:
    at = rng.choice(list(_places(data)))
    if not at:
        return rng.choice(
            [[data], [data, data], {"canaryConfig": data, "executionRequest": {"thresholds": 3}}, *_ODD]
        )
    parent, last = _inside(data, at[:-1]), at[-1]
    how = rng.randrange(5)
    if how == 0:
        parent[last] = copy.deepcopy(rng.choice(_ODD))
    elif how == 1:
        parent[last] = [parent[last]]
    elif how == 2 and isinstance(parent, dict):
        name = str(last)
        parent[rng.choice([name.upper(), name[:-1], name + "s", name.capitalize(), "x"])] = parent.pop(last)
    elif how == 3 and len(at) > 1 and isinstance(_inside(data, at[:-2]), dict):
        _inside(data, at[:-2])[str(last)] = parent.pop(last)
    else:
        parent.pop(last)
    return data


def _spoil_text(text: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.randint(1, 4)):
        at, cut = rng.randrange(len(text) + 1), rng.choice([0, 0, 1, 3, 20])
        put = rng.choice(
            [
                b"",
                b"\t",
                b"{",
                b"}",
                b"[",
                b"]",
                b'"',
                b"'",
                b":",
                b",",
                b"\n",
                b"\xff",
                b"&a *a",
                b"$x",
                b"9",
            ]
        )
        text = text[:at] + put + text[at + cut :]
    return text


def _kinds() -> dict[str, tuple[Any, Callable[[Any], str], str, Callable[[Path], object]]]:
    """By kind: a good file's data, how it is written, its name, and what reads it."""

    def series(path: Path) -> object:
        config = load_series(path, "prometheus")
        return [rule.limit for rule in config.rules()]

    def as_yaml(data: Any) -> str:
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)

    profile = next(iter(sorted(PROFILES.glob("*.yml"))))
    return {
        "series": (yaml.safe_load(EXAMPLE), as_yaml, "canary.yml", series),
        "kayenta": (_SPINNAKERS, lambda data: json.dumps(data, indent=1), "canary.json", load_kayenta),
        "profile": (yaml.safe_load(profile.read_text()), as_yaml, "profile.yml", load_profile),
    }


def _wrong(path: Path, read: Callable[[Path], object], seen: Counter[str], kind: str) -> str | None:
    try:
        with at_most(_PATIENCE), warnings.catch_warnings():
            warnings.simplefilter("error")  # one of Python's own on the terminal is no message of ours
            read(path)
    except ConfigError as error:
        seen[f"{kind} refused"] += 1
        for problem in error.problems:
            if not re.match(rf"{re.escape(str(path))}:\d+: .", problem) or "\n" in problem:
                return f"no line: {problem}"
            said = problem.removeprefix(str(path))
            if _INNER.search(said) or _SUGGESTED.search(said):
                return said
        return None if error.problems else "no problem is named"
    except UsageError as error:
        return f"not a ConfigError: {error.message}"
    except TimeoutError:
        return f"not read in {_PATIENCE} s"
    except Exception as error:  # what must not be
        return f"{type(error).__name__}: {error}"
    seen[f"{kind} read"] += 1
    return None


def faults(count: int, seed: int, seen: Counter[str]) -> Iterator[Fault]:
    """The faults in `count` spoilt files of all kinds; `seen` counts what was read and what was refused."""
    rng = random.Random(seed)  # noqa: S311 - no secret is made of it
    kinds = _kinds()
    with tempfile.TemporaryDirectory() as directory:
        for number in range(count):
            kind = rng.choice(list(kinds))
            data, write, name, read = kinds[kind]
            data = copy.deepcopy(data)
            if structure := rng.random() < 0.7:
                for _ in range(rng.randint(1, 3)):
                    data = _spoil_structure(data, rng) if isinstance(data, dict) else data
            raw = write(data).encode("utf-8", "replace")
            raw = raw if structure else _spoil_text(raw, rng)
            path = Path(directory, f"{number % 10}-{name}")
            path.write_bytes(raw)
            if wrong := _wrong(path, read, seen, kind):
                yield Fault(kind, raw.decode("utf-8", "replace"), wrong)


def main() -> int:
    """Prints what was read, what was refused, and each fault."""
    asked = options(__doc__, 10_000)
    seen: Counter[str] = Counter()
    found = [
        f"{fault.kind}: {fault.what}\n{fault.text[:1500]}" for fault in faults(asked.count, asked.seed, seen)
    ]
    return show(asked, seen, found)


if __name__ == "__main__":
    sys.exit(main())
