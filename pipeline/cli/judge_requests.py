"""`pipeline judge --requests BASELINE CANARY`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.base.errors import UsageError
from pipeline.base.units import parse_duration

__all__ = ["judge_requests"]


def judge_requests(
    files: tuple[Path, Path],
    config_path: Path | None,
    form: str | None,
    warmup: str | None,
    written: Mapping[str, Any],
    *,
    as_json: bool,
) -> int:
    """Judges two load tests, prints the verdict and gives the exit code.

    Args:
        files: The baseline's and the canary's.
        config_path: What is compared; None: all that the files tell.
        form: Which tool wrote them; None: by their content.
        warmup: How much of the beginning of each is left out.
        written: Where the verdict is written besides stdout: the values of OUTPUT_OPTIONS.
        as_json: Whether to print JSON.

    Raises:
        UsageError: What was given does not go together, or cannot be read.
    """
    try:
        seconds = parse_duration(warmup) if warmup is not None else 0.0
    except ValueError as error:
        raise UsageError(f"--warmup: {error}") from None
    from pipeline.cli.outputs import outputs_of
    from pipeline.cli.show import show_series_verdict
    from pipeline.judge import judge
    from pipeline.loadtests.case import from_load_tests
    from pipeline.loadtests.config import load_config

    outputs = outputs_of(written)
    case = from_load_tests(*files, load_config(config_path), form=form, warmup=seconds)
    verdict = judge(case.evidence, case.rules, case.policy)
    return show_series_verdict(case, verdict, as_json=as_json, outputs=outputs)
