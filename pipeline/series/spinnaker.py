"""Spinnaker's canary configuration, given where ours is expected: one line that says which judge reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.base.errors import ConfigError
from pipeline.base.yamlfile import read_text

__all__ = ["is_spinnakers", "refuse_spinnakers"]

_LARGEST: Final = 1_000_000  # bytes
# Keys that ours has not, at the top and in a metric.
_TOP: Final = {"canaryConfig", "canaryConfigId", "classifier", "configVersion", "executionRequest", "judge"}
_OF_A_METRIC: Final = {"analysisConfigurations", "groups", "scopeName"}


def refuse_spinnakers(path: Path) -> None:
    """Raises ConfigError when the file is Spinnaker's JSON; what else it may be is another's to say."""
    if is_spinnakers(path):
        raise ConfigError(
            str(path),
            [f"{path}:1: is Spinnaker's canary configuration, which --judge kayenta reads"],
            hint=f"pipeline judge --judge kayenta --config {path}",
        )


def is_spinnakers(path: Path) -> bool:
    """Whether the file is Spinnaker's canary configuration. Raises ConfigError where it cannot be read."""
    text = read_text(path, str(path), _LARGEST, encoding="utf-8-sig").lstrip()
    if not text.startswith(("{", "[")):
        return False
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return _has_its_keys(data[0] if isinstance(data, list) and data else data)


def _has_its_keys(data: Any) -> bool:
    if not isinstance(data, Mapping):
        return False
    metrics = data.get("metrics")
    of_metrics = (
        [metric for metric in metrics if isinstance(metric, Mapping)] if isinstance(metrics, list) else []
    )
    return not _TOP.isdisjoint(data) or any(not _OF_A_METRIC.isdisjoint(metric) for metric in of_metrics)
