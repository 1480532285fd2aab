"""A run's directory: enough to judge it again, offline. docs/architecture.md lists its files.

Every reader raises RunDirectoryError, in one line, on what it cannot use; every file is written whole or not at all.
"""

from __future__ import annotations

import copy
import gzip
import io
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from pipeline.base.errors import RunDirectoryError
from pipeline.base.files import write_whole
from pipeline.base.problems import first_problem
from pipeline.base.text import reason_of
from pipeline.judge.evidence import Evidence, Problem
from pipeline.judge.policy import Policy
from pipeline.judge.rules import MetricRule, default_rules
from pipeline.judge.verdict import Verdict
from pipeline.runs.calibration import note
from pipeline.runs.cut_off import cut_off
from pipeline.runs.dealt import comparable, incomparable_note
from pipeline.runs.evidence import build_evidence
from pipeline.runs.record import FORMAT, Record
from pipeline.runs.tables import find_table, read_requests, read_series

__all__ = ["Run", "compress_tables", "judge_run", "load", "write_record", "write_verdict"]

_VERDICT_FORMAT: Final = 2
_TABLES: Final = ("requests.csv", "series.csv", "network.csv")
_RULES: Final = TypeAdapter(tuple[MetricRule, ...])
_VERDICT: Final = TypeAdapter(Verdict)


class Run:
    """One run as its directory `path` holds it: each part is read once, when it is first asked for."""

    def __init__(self, path: Path, record: Record) -> None:
        self.path = path
        self.record = record

    @cached_property
    def evidence(self) -> Evidence:
        """Both versions' samples of the measured phases, in the judge's units.

        A run that ended before any sample has empty arms: its problems say why, and the judge decides.
        """
        if self.record.kind:
            raise RunDirectoryError(
                f"{self.path}: a {self.record.kind}'s run, with series and no requests",
                hint=f"pipeline judge {self.path}",
            )
        phases, problems, terms = self.record.measured, self.record.problems, self.record.terms
        if self.record.calibration is not None:
            problems += (Problem("note", note(self.record.calibration, self.rules)),)
        if (
            terms.share is not None
            and (left_out := incomparable_note(self._listed_rules(), terms.share)) is not None
        ):
            problems += (left_out,)
        requests = find_table(self.path, "requests.csv")
        series = find_table(self.path, "series.csv")
        network = find_table(self.path, "network.csv")
        if phases and requests is None:
            raise RunDirectoryError(f"{self.path}: requests.csv is missing, and its run.json has phases")
        return build_evidence(
            phases,
            problems,
            read_requests(requests) if requests else None,
            read_series(series) if series else None,
            terms,
            read_series(network) if network else None,
        )

    @cached_property
    def rules(self) -> tuple[MetricRule, ...]:
        """The profile's metrics, those that compare the versions fairly in this schedule."""
        share = self.record.share
        return self._listed_rules() if share is None else comparable(self._listed_rules(), share)

    @cached_property
    def policy(self) -> Policy:
        """The profile's policy; the expected status comes from the profile's `expect` unless given."""
        profile = self._profile()
        given = profile.get("policy") or {}
        expect = profile.get("expect")
        status = expect.get("status") if isinstance(expect, Mapping) else None
        if isinstance(given, Mapping) and "expected_status" not in given and status is not None:
            given = {**given, "expected_status": status if isinstance(status, Sequence) else [status]}
        try:
            return Policy.model_validate(given)
        except ValidationError as error:
            raise self._unusable("profile.policy", error, given) from error

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict as it was written."""
        hint = f"pipeline judge {self.path}"
        data = _read_json(self.path / "verdict.json", _VERDICT_FORMAT, hint)
        data.pop("format")
        try:
            return _VERDICT.validate_python(data)
        except ValidationError as error:
            raise RunDirectoryError(
                f"{self.path / 'verdict.json'}: {first_problem(error, data)}", hint=hint
            ) from error

    def with_record(self, record: Record) -> Run:
        """The same run with a record that has grown; what was read of its files stays read."""
        run = copy.copy(self)
        run.record = record
        return run

    def _listed_rules(self) -> tuple[MetricRule, ...]:
        """The profile's metrics; the catalogue's defaults where the profile names none."""
        listed = self._profile().get("metrics")
        if listed is None:
            return default_rules()
        try:
            return _RULES.validate_python(listed)
        except ValidationError as error:
            raise self._unusable("profile.metrics", error, listed) from error

    def _profile(self) -> Mapping[str, Any]:
        if self.record.profile is None:
            raise RunDirectoryError(f"{self.path / 'run.json'}: has no profile")
        return self.record.profile

    def _unusable(self, where: str, error: ValidationError, data: Any) -> RunDirectoryError:
        return RunDirectoryError(f"{self.path / 'run.json'}: {where}: {first_problem(error, data)}")


def load(path: Path) -> Run:
    """The run in the directory `path`. Only run.json is read, and of it only the format is checked.

    Of a run that was killed under load the tables are read as well: its record ends where they do.
    """
    if path.is_file():
        raise RunDirectoryError(f"{path}: a file, not a run's directory", hint="ls runs/")
    if not path.is_dir():
        raise RunDirectoryError(f"{path}: no such run directory", hint="ls runs/")
    file = path / "run.json"
    if not file.exists():
        latest = path / "latest"
        which = f", such as {latest}" if latest.is_dir() else ": ls runs/"
        hint = f"give one run's directory{which}"
        raise RunDirectoryError(f"{file}: is missing: this is no run's directory", hint=hint)
    record = Record.from_dict(_read_json(file, FORMAT), file)
    return Run(path, cut_off(path, record) if record.under_way and not record.kind else record)


def judge_run(run: Run) -> Verdict:
    """Judge what `run` holds and write verdict.json. Raises RunDirectoryError when it cannot be read."""
    # Its scipy takes a third of a second to import: only who judges waits for it.
    from pipeline.judge import judge

    verdict = judge(run.evidence, run.rules, run.policy)
    write_verdict(run.path, verdict)
    return verdict


def write_record(path: Path, record: Record) -> None:
    """Replaces the run.json in the directory `path`."""
    _write_json(path / "run.json", record.to_dict())


def write_verdict(path: Path, verdict: Verdict) -> None:
    """Replaces the verdict.json in the directory `path`."""
    _write_json(path / "verdict.json", verdict.to_dict())


def compress_tables(path: Path) -> None:
    """Turns the CSV files into .csv.gz, each removed only when its copy is complete; can be repeated."""
    for name in _TABLES:
        plain = path / name
        if not plain.is_file():
            continue
        packed = io.BytesIO()
        # No time and no name inside: the same samples give the same bytes.
        with plain.open("rb") as source, gzip.GzipFile("", "wb", 6, packed, mtime=0) as target:
            shutil.copyfileobj(source, target, 1 << 20)
        write_whole(path / f"{name}.gz", packed.getvalue())
        plain.unlink()


def _read_json(path: Path, version: int, hint: str | None = None) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise RunDirectoryError(f"{path}: is missing", hint=hint) from error
    except (OSError, ValueError, RecursionError) as error:
        raise RunDirectoryError(f"{path}: cannot be read: {reason_of(error)}", hint=hint) from error
    if not isinstance(data, dict) or data.get("format") != version:
        raise RunDirectoryError(f"{path}: is not of format {version}", hint=hint)
    return data


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    text = json.dumps(_plain(data), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(path, text + "\n")


def _plain(value: Any) -> Any:
    """JSON types, floats without the noise of arithmetic: 0.3, not 0.30000000000000004."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        # Fifteen digits keep a time in Unix seconds to 10 us. NaN and infinity have no JSON: nothing to say.
        return float(f"{value:.15g}") if math.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    return value
