"""Which engine of the loader a test is about: it runs once with each."""

from __future__ import annotations

import os

__all__ = ["VARIABLE", "engine_under_test"]

VARIABLE = "LOADGEN_ENGINE"  # the loader's own, so that children have it, too


def engine_under_test() -> str:
    return os.environ[VARIABLE]
