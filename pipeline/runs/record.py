"""run.json, format 1: what is known of one run beside its samples."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Unpack

from pipeline.base.errors import RunDirectoryError
from pipeline.judge.evidence import Problem
from pipeline.runs.entries import Entries
from pipeline.runs.numbers import is_number
from pipeline.runs.phases import COLOURS, Phase
from pipeline.runs.requests_asked import Asked, later_steps_of, requests_of, statuses_of
from pipeline.runs.settled import Settled
from pipeline.runs.shown import without_secrets

__all__ = ["FORMAT", "Record", "Terms", "Version"]

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Version:
    """One of the two versions: the ref as the user gave it, and its commit. Empty strings: not recorded."""

    ref: str = ""
    sha: str = ""
    subject: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """How the two versions are compared: `pairing`, `planned` (seconds) and `drift` are those of the evidence.

    `share` is what the canary gets of the requests where both are measured at once, None where they are not. `mix` has
    the requests by name, and is empty where all are of one kind.
    """

    pairing: str = "age"
    planned: float = 0.0
    drift: Mapping[str, float] = field(default_factory=dict)
    share: float | None = None
    mix: Mapping[str, Asked] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """One run.json. It never changes; `grown` gives another one.

    What only describes the run is empty or None where it is absent or of another type: a run that broke early has a
    short record, and its report is wanted most. What the verdict rests on (`phases`, `measured`, `problems`, `terms`)
    raises RunDirectoryError, in one line that names `file`, where it cannot be used. Strings are as they were written,
    and not made safe for a terminal.
    """

    document: Mapping[str, Any]
    file: Path = Path("run.json")

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], file: Path = Path("run.json")) -> Record:
        """The record that `document`, read from `file`, is; without secrets: an older run may hold some."""
        return cls(_safe(document), file)

    def to_dict(self) -> dict[str, Any]:
        """As written in run.json: the same keys in the same order, those that nothing here reads included.

        The profile's secrets are masked, whoever wrote them.
        """
        return dict(self.document)

    def grown(self, **entries: Unpack[Entries]) -> Record:
        """The record with `entries` added, or put in place of those of the same name."""
        return Record(_safe({**self.document, **entries}), self.file)

    # what describes the run

    @property
    def tool(self) -> str:
        """The version of this tool that made the run."""
        return self._text("tool")

    @property
    def created(self) -> str:
        """When the run began, an ISO time."""
        return self._text("created")

    @property
    def kind(self) -> str:
        """What kind of run it is: empty for one with a load of ours, `gate` for one of `pipeline gate`."""
        return self._text("kind")

    @property
    def repo(self) -> str:
        """The repository, without a password."""
        return self._text("repo")

    @property
    def sample(self) -> bool:
        """Whether it was the bundled sample repository."""
        return self.document.get("sample") is True

    @property
    def sample_why(self) -> str:
        """Why the sample was used."""
        return self._text("sample_why")

    @property
    def baseline(self) -> Version:
        """The version on blue."""
        return self._version("baseline")

    @property
    def canary(self) -> Version:
        """The version on green."""
        return self._version("canary")

    @property
    def profile(self) -> Mapping[str, Any] | None:
        """The whole profile."""
        profile = self.document.get("profile")
        return profile if isinstance(profile, Mapping) else None

    @property
    def profile_name(self) -> str:
        """What the profile is called."""
        name = (self.profile or {}).get("name")
        return name if isinstance(name, str) else ""

    @property
    def expected_status(self) -> tuple[int, ...]:
        """The HTTP statuses that the profile calls right; empty when it names none."""
        return statuses_of(self.profile or {})

    @property
    def schedule(self) -> str:
        """phased, interleaved or concurrent."""
        schedule = self._mapping("settings").get("schedule")
        return schedule if isinstance(schedule, str) else ""

    @property
    def rate(self) -> float | None:
        """Requests per second, those of both versions together where they are measured at once."""
        rate = self._mapping("settings").get("rate")
        return float(rate) if is_number(rate) else None

    @property
    def watched_seconds(self) -> float:
        """How many seconds of both versions' series a gate has seen; 0 for any other run."""
        seen = self._mapping("settings").get("seen")
        return float(seen) if self.kind == "gate" and is_number(seen) and seen > 0 else 0.0

    @property
    def provider(self) -> str:
        """Where the hosts came from: the lab's provider, "inventory", or a cloud's name."""
        return self._text("provider")

    @property
    def promoted(self) -> bool | None:
        """Whether the proxy was left on green; None before that was done, and where it is not known."""
        promoted = self.document.get("promoted")
        return promoted if isinstance(promoted, bool) else None

    @property
    def settled(self) -> Settled | None:
        """Where the proxy was in the end; None before that was asked."""
        return Settled.from_dict(self._mapping("proxy"))

    @property
    def rollback(self) -> str:
        """The command that puts the proxy of this run back on the baseline."""
        settings = self._mapping("settings")
        given = [
            f" {option} {shlex.quote(settings[key])}"
            for option, key in (("-i", "inventory"), ("--cloud", "cloud"), ("-f", "prod_file"))
            if isinstance(settings.get(key), str)
        ]
        return f"pipeline canary rollback{''.join(given)}"

    @property
    def under_way(self) -> bool:
        """Whether the run was not yet over with its load when this was written; that of one that ended is."""
        return self.document.get("under_way") is True

    @property
    def stopped_early(self) -> Mapping[str, Any]:
        """`at`, `outcome` and `decided_after` of a run that ended before its schedule did; else empty."""
        return self._mapping("stopped_early")

    @property
    def calibration(self) -> Mapping[str, Any] | None:
        """What two measurements of the same code differ by on these hosts; None without a calibration."""
        calibration = self.document.get("calibration")
        return calibration if isinstance(calibration, Mapping) else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was known of the two trees before anything booted, as sentences."""
        listed = self.document.get("notes")
        return tuple(note for note in listed if isinstance(note, str)) if isinstance(listed, list) else ()

    # what the verdict rests on

    @property
    def phases(self) -> tuple[Phase, ...]:
        """All phases in the order of the file; one that never came beyond its start is left out."""
        phases = []
        for item in self._objects("phases"):
            arm, kind, start, end = item.get("arm"), item.get("kind"), item.get("start"), item.get("end")
            if arm not in COLOURS or kind not in ("warmup", "measure"):
                raise self._unusable(f"phases: unknown arm or kind: {arm!r}, {kind!r}")
            if is_number(start) and is_number(end):
                if end > start:
                    phases.append(Phase(item["arm"], kind, float(start), float(end)))
            elif kind == "measure" and end is not None:
                raise self._unusable(f"phases: start and end must be seconds, not {start!r} and {end!r}")
        return tuple(phases)

    @property
    def measured(self) -> tuple[Phase, ...]:
        """The phases that are judged, in the order of time; only a concurrent run's overlap, one of each version."""
        found = (phase for phase in self.phases if phase.kind == "measure")
        phases = tuple(sorted(found, key=lambda phase: phase.start))
        by_arm = [[phase for phase in phases if phase.arm == arm] for arm in COLOURS]
        for in_turn in [phases] if self.share is None else by_arm:
            for earlier, later in pairwise(in_turn):
                if later.start < earlier.end:
                    raise self._unusable(f"phases overlap at {later.start:g} s")
        return phases

    @property
    def share(self) -> float | None:
        """The canary's share of the requests of a concurrent run, between 0 and 1; None in any other schedule."""
        if self.schedule != "concurrent":
            return None
        share = self._mapping("settings").get("share")
        if not is_number(share) or not 0 < share < 1:
            raise self._unusable(f"settings: the share of a concurrent run is a fraction, not {share!r}")
        return float(share)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is known to be wrong with the run."""
        problems = []
        for item in self._objects("problems"):
            effect, message = item.get("effect"), item.get("message")
            if not isinstance(effect, str) or not isinstance(message, str):
                raise self._unusable("problems: each needs an effect and a message")
            problems.append(Problem(effect, message))
        return tuple(problems)

    @property
    def terms(self) -> Terms:
        """From `settings` and `calibration`; what is absent has the values of Terms."""
        planned = self._mapping("settings").get("duration", 0.0)
        return Terms(
            pairing="time" if self.schedule in ("interleaved", "concurrent") else "age",
            planned=float(planned) if is_number(planned) and planned > 0 else 0.0,
            drift=self._drift(),
            share=self.share,
            mix=self.mix,
        )

    @property
    def mix(self) -> Mapping[str, Asked]:
        """The profile's requests by name, weights as parts of 1; empty where it has one request.

        Each step of a sequence is as much of the load as the sequence.
        """
        try:
            return requests_of(self.profile or {}, self.expected_status)
        except ValueError as error:
            raise self._unusable(str(error)) from error

    @property
    def later_steps(self) -> frozenset[str]:
        """The names of those requests that are due when another one is answered; the others are due by the clock."""
        return later_steps_of(self.profile or {})

    # inside

    def _drift(self) -> dict[str, float]:
        if self.document.get("calibration") is None:
            return {}
        known = self._mapping("calibration")
        drift, kinds = known.get("drift"), known.get("kinds", {})
        if not isinstance(kinds, Mapping):
            raise self._unusable("calibration: kinds must map metrics to words")
        if not isinstance(drift, Mapping) or not all(is_number(d) and d >= 0 for d in drift.values()):
            raise self._unusable("calibration: drift must map metrics to numbers from 0 on")
        return {str(name): float(value) for name, value in drift.items()}

    def _version(self, arm: str) -> Version:
        fields = self._mapping(arm)
        given = {key: fields.get(key) for key in ("ref", "sha", "subject", "date")}
        return Version(**{key: value for key, value in given.items() if isinstance(value, str)})

    def _text(self, key: str) -> str:
        value = self.document.get(key)
        return value if isinstance(value, str) else ""

    def _mapping(self, key: str) -> Mapping[str, Any]:
        value = self.document.get(key)
        return value if isinstance(value, Mapping) else {}

    def _objects(self, key: str) -> Sequence[Mapping[str, Any]]:
        listed = self.document.get(key)
        if listed is None:
            return ()
        if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
            raise self._unusable(f"{key} must be a list of objects")
        return listed

    def _unusable(self, why: str) -> RunDirectoryError:
        return RunDirectoryError(f"{self.file}: {why}")


def _safe(document: Mapping[str, Any]) -> dict[str, Any]:
    profile = document.get("profile")
    return (
        {**document, "profile": without_secrets(profile)} if isinstance(profile, Mapping) else dict(document)
    )
