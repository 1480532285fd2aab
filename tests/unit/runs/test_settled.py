"""Where the proxy was in the end, in words: nothing is said of it that it did not say itself."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.runs.record import Record
from pipeline.runs.settled import Settled


@pytest.mark.parametrize(
    ("settled", "words", "trouble"),
    [
        (Settled("blue", "blue"), "the proxy is on blue", False),
        (Settled("blue", ""), "there is no proxy yet", False),
        (Settled("blue", "green", "no"), "the proxy is on green: it could not be put on blue: no", True),
        (
            Settled("blue", None, "no"),
            "where the proxy sends traffic is not known: it could not be put on blue: no",
            True,
        ),
        (
            Settled("blue", "blue", "no"),
            "the proxy is on blue, but may not stay there when it is started again: no",
            True,
        ),
        (Settled("blue", "green", "no", gone=True), "the proxy is on green: it could not be", False),
    ],
)
def test_it_says_where_it_is_and_what_is_wrong(settled: Settled, words: str, trouble: bool) -> None:
    assert str(settled).startswith(words)
    assert settled.trouble == (str(settled) if trouble else "")


def test_the_record_gives_it_back_and_knows_the_command_that_mends_it() -> None:
    settled = Settled("blue", None, "no answer", gone=False)
    record = Record.from_dict({"proxy": settled.to_dict(), "settings": {"inventory": "my hosts.ini"}})
    assert record.settled == settled
    assert record.rollback == "pipeline canary rollback -i 'my hosts.ini'"
    assert Record.from_dict({}).rollback == "pipeline canary rollback"


@pytest.mark.parametrize("entry", [None, {}, {"wanted": 1, "problem": ""}, {"wanted": "blue"}, []])
def test_an_entry_that_says_nothing_of_use_is_none(entry: Any) -> None:
    assert Record.from_dict({"proxy": entry}).settled is None
