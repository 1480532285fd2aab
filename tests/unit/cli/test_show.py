"""A verdict's exit code."""

from __future__ import annotations

import pytest

from pipeline.base.errors import Exit
from pipeline.cli.show import exit_code
from pipeline.judge.verdict import Outcome


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_has_the_exit_code_of_its_name(outcome: Outcome) -> None:
    assert exit_code(outcome) is (Exit.OK if outcome is Outcome.PASSED else Exit[outcome.name])
