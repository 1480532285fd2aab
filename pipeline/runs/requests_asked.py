"""The requests that a run's profile asked for, as run.json has them: which there are, and what is right for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.runs.numbers import is_number

__all__ = ["Asked", "later_steps_of", "requests_of", "statuses_of"]

Profile = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One of the requests of a mix: how much of the load it is, and its right statuses."""

    weight: float
    status: tuple[int, ...]


def requests_of(profile: Profile, right: tuple[int, ...]) -> Mapping[str, Asked]:
    """The requests by name, weights as parts of 1; empty where there is one request.

    Args:
        profile: the whole.
        right: statuses of a request that names none.

    Raises:
        ValueError: something is not as in a profile that was read; says what, in one line.
    """
    given = profile.get("requests")
    if not given:
        return {}
    listed: list[Any] = _with_steps(given) if isinstance(given, list) else [None]
    if not all(isinstance(item, Mapping) for item in listed):
        raise ValueError("profile: requests must be a list of objects")
    weights: dict[str, float] = {}
    for item in listed:
        name, weight = item.get("name"), item.get("weight", 1)
        if not isinstance(name, str) or name in weights or not is_number(weight) or weight <= 0:
            raise ValueError("profile: each of its requests needs a name of its own and a weight above 0")
        weights[name] = float(weight)
    total = sum(weights.values())
    return {
        item["name"]: Asked(weights[item["name"]] / total, _statuses(item.get("expect")) or right)
        for item in listed
    }


def later_steps_of(profile: Profile) -> frozenset[str]:
    """The names of those requests that are due when another one is answered; the others are due by the clock."""
    entries = profile.get("requests")
    found = (
        entry.get("steps")
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, Mapping)
    )
    later = (step for steps in found if isinstance(steps, list) for step in steps[1:])
    return frozenset(str(step.get("name")) for step in later if isinstance(step, Mapping))


def statuses_of(profile: Profile) -> tuple[int, ...]:
    """The HTTP statuses that a profile calls right; empty where it names none."""
    for part, key in (("policy", "expected_status"), ("expect", "status")):
        if found := _statuses(profile.get(part), key):
            return found
    return ()


def _with_steps(requests: list[Any]) -> list[Any]:
    """The requests of a mix, each step with its sequence's weight; what is none of these as it is."""
    found: list[Any] = []
    for entry in requests:
        steps = entry.get("steps") if isinstance(entry, Mapping) else None
        if isinstance(steps, list):
            weight = entry.get("weight", 1)
            found += [{**step, "weight": weight} if isinstance(step, Mapping) else step for step in steps]
        else:
            found.append(entry)
    return found


def _statuses(section: Any, key: str = "status") -> tuple[int, ...]:
    """Of a part of the profile; empty where it names none."""
    given = section.get(key) if isinstance(section, Mapping) else None
    listed = given if isinstance(given, list | tuple) else [given]
    return tuple(int(status) for status in listed if is_number(status))
