"""A run's directory: enough to judge it again, offline. docs/architecture.md lists its files."""

from __future__ import annotations

import gzip
import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from pydantic import TypeAdapter, ValidationError
from pipeline.runs.calibration import note
from pipeline.base.errors import RunDirectoryError
from pipeline.judge.evidence import Evidence, Problem
from pipeline.judge.rules import MetricRule, Policy, default_rules
from pipeline.judge.verdict import Verdict
from pipeline.runs.evidence import build_evidence
from pipeline.runs.record import read_phases, read_problems, read_terms
from pipeline.runs.tables import find_table, read_requests, read_series

__all__ = ['RunDirectory', 'judge_run']

_FORMATS = {"run.json": 1, "verdict.json": 2}


_TABLES = ("requests.csv", "series.csv")


_RULES = TypeAdapter(tuple[MetricRule, ...])


_VERDICT = TypeAdapter(Verdict)


class RunDirectory:
    """Reads and writes one run. Every reader raises RunDirectoryError, in one line, on what it cannot use."""

    def __init__(self, path: Path) -> None:
        self.path = path

    # reading

    def read_run(self) -> dict[str, Any]:
        """run.json as it is. Its format is checked."""
        if not self.path.is_dir():
            raise RunDirectoryError(f"{self.path}: no such run directory", hint="ls runs/")
        return self._read_json("run.json")

    def read_evidence(self) -> Evidence:
        """Both versions' samples of the measured phases, in the judge's units.

        A run that ended before any sample has empty arms: its problems say why, and the judge decides.
        """
        run = self.read_run()
        where = self.path / "run.json"
        phases, problems = read_phases(where, run.get("phases")), read_problems(where, run.get("problems"))
        terms = read_terms(where, run)
        if run.get("calibration") is not None:
            problems += (Problem("note", note(run["calibration"], self.rules())),)
        requests = find_table(self.path, "requests.csv")
        series = find_table(self.path, "series.csv")
        if phases and requests is None:
            raise RunDirectoryError(f"{self.path}: requests.csv is missing, and its run.json has phases")
        return build_evidence(
            phases,
            problems,
            read_requests(requests) if requests else None,
            read_series(series) if series else None,
            terms,
        )

    def rules(self) -> tuple[MetricRule, ...]:
        """The profile's metrics; the catalogue's defaults where the profile names none."""
        listed = self._profile().get("metrics")
        if listed is None:
            return default_rules()
        try:
            return _RULES.validate_python(listed)
        except ValidationError as error:
            raise self._invalid("profile.metrics", error) from error

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
            raise self._invalid("profile.policy", error) from error

    def read_verdict(self) -> Verdict:
        """The verdict as it was written."""
        data = self._read_json("verdict.json", hint=f"pipeline judge {self.path}")
        data.pop("format")
        try:
            return _VERDICT.validate_python(data)
        except ValidationError as error:
            raise RunDirectoryError(
                f"{self.path / 'verdict.json'}: {_first(error)}", hint=f"pipeline judge {self.path}"
            ) from error

    # writing

    def write_run(self, run: Mapping[str, Any]) -> None:
        """Replaces run.json, whole or not at all."""
        self._write_json("run.json", run)

    def write_verdict(self, verdict: Verdict) -> None:
        """Replaces verdict.json, whole or not at all."""
        self._write_json("verdict.json", verdict.to_dict())

    def compress(self) -> None:
        """Turns the CSV files into .csv.gz, each removed only when its copy is complete; can be repeated."""
        for name in _TABLES:
            plain = self.path / name
            if not plain.is_file():
                continue
            with tempfile.NamedTemporaryFile(dir=self.path, prefix=f".{name}.", delete=False) as target:
                try:
                    # No time and no name inside: the same samples give the same bytes.
                    with plain.open("rb") as source, gzip.GzipFile("", "wb", 6, target, mtime=0) as packed:
                        shutil.copyfileobj(source, packed, 1 << 20)
                    _replace(target, self.path / f"{name}.gz")
                except BaseException:
                    Path(target.name).unlink(missing_ok=True)
                    raise
            plain.unlink()

    # inside

    def _profile(self) -> Mapping[str, Any]:
        profile = self.read_run().get("profile")
        if not isinstance(profile, Mapping):
            raise RunDirectoryError(f"{self.path / 'run.json'}: has no profile")
        return profile

    def _invalid(self, where: str, error: ValidationError) -> RunDirectoryError:
        return RunDirectoryError(f"{self.path / 'run.json'}: {where}: {_first(error)}")

    def _read_json(self, name: str, *, hint: str | None = None) -> dict[str, Any]:
        path = self.path / name
        try:
            data = json.loads(path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise RunDirectoryError(f"{path}: is missing", hint=hint) from error
        except (OSError, ValueError, RecursionError) as error:
            raise RunDirectoryError(f"{path}: cannot be read: {error}", hint=hint) from error
        if not isinstance(data, dict) or data.get("format") != _FORMATS[name]:
            raise RunDirectoryError(f"{path}: is not of format {_FORMATS[name]}", hint=hint)
        return data

    def _write_json(self, name: str, data: Mapping[str, Any]) -> None:
        text = json.dumps(_plain(data), indent=1, ensure_ascii=False, allow_nan=False)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=self.path, prefix=f".{name}.", delete=False
        ) as target:
            try:
                target.write(text + "\n")
                _replace(target, self.path / name)
            except BaseException:
                Path(target.name).unlink(missing_ok=True)
                raise


def _replace(temporary: IO[Any], path: Path) -> None:
    temporary.flush()
    os.fsync(temporary.fileno())
    os.fchmod(temporary.fileno(), 0o644)  # a temporary file is private, a run directory is not
    Path(temporary.name).replace(path)


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


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{where}: {problem['msg']}{more}" if where else f"{problem['msg']}{more}"


def judge_run(directory: RunDirectory) -> Verdict:
    """Judge what `directory` holds and write verdict.json. Raises RunDirectoryError when it cannot be read."""
    from pipeline.judge import (
        judge,
    )  # scipy takes a third of a second to import: only who judges waits for it

    verdict = judge(directory.read_evidence(), directory.rules(), directory.policy())
    directory.write_verdict(verdict)
    return verdict
