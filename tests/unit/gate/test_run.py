"""A gate's directory: where its series came from is kept beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import RunDirectoryError
from pipeline.gate.run import GateRun
from pipeline.runs.record import Record
from pipeline.series.asked import Question, Questions


@pytest.fixture
def gate(tmp_path: Path) -> GateRun:
    return GateRun(tmp_path, Record.from_dict({}), 0.0, 600.0, 10.0, 0.0)


def test_what_was_asked_comes_back_as_it_was(gate: GateRun) -> None:
    assert gate.questions() is None
    asked = (Question("errors", "canary", 'sum(x{version="1.5.0"})', 3, 120),)
    said = Questions("http://127.0.0.1:9090", {"baseline": "a to b", "canary": "a to b"}, 15.0, asked)
    gate.keep_questions(said)
    assert gate.questions() == said


@pytest.mark.parametrize("text", ["", "[]", '{"asked": [[1]]}', '{"step": "x"}', "\x00"])
def test_a_file_that_was_damaged_is_told_in_one_line(gate: GateRun, text: str) -> None:
    (gate.path / "asked.json").write_text(text, "utf-8")
    with pytest.raises(RunDirectoryError) as told:
        gate.questions()
    assert told.value.message.startswith(f"{gate.path / 'asked.json'}: ")
    assert "\n" not in told.value.message
