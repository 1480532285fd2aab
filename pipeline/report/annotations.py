"""A verdict as GitHub's workflow commands, which its runner shows as annotations on the job's page.

The runner reads a command from each line that begins with `::`, blanks aside, or has `##[` anywhere in it, of stdout
and stderr alike; so what others wrote (a service's log, a ref) could give it commands. `inert` switches them off around
a text; that holds for both streams, so annotations come after it on the same one, lest they be read too early.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from pipeline.base.text import clean
from pipeline.judge.headline import headline
from pipeline.judge.verdict import Decision, Outcome, Verdict
from pipeline.report.text import capital, outcome_words

__all__ = ["github_annotations", "inert", "inert_json", "on_github"]

_MOST: Final = 10  # of a kind that GitHub shows for a step; what comes after them is dropped without a word
_LONGEST: Final = 500
_KIND: Final = {
    Outcome.PASSED: "notice",
    Outcome.FAILED: "error",
    Outcome.INCONCLUSIVE: "warning",
    Outcome.INVALID: "error",
}


def on_github(environment: Mapping[str, str]) -> bool:
    """Whether this is a job of GitHub Actions."""
    return environment.get("GITHUB_ACTIONS") == "true"


def github_annotations(verdict: Verdict) -> list[str]:
    """The lines to print: the verdict first, then each metric that is worse or undecided; at most ten of a kind."""
    found = [(_KIND[verdict.outcome], outcome_words(verdict), capital(headline(verdict)))]
    kinds = {Decision.FAIL: "error", Decision.INCONCLUSIVE: "warning"}
    if verdict.outcome is Outcome.PASSED:  # nothing is wrong with the job
        kinds = dict.fromkeys(kinds, "notice")
    elif verdict.outcome is Outcome.FAILED:  # what is undecided then says nothing more
        kinds.pop(Decision.INCONCLUSIVE)
    for metric in sorted(verdict.metrics, key=lambda metric: metric.decision is not Decision.FAIL):
        if metric.decision in kinds:
            word = "worse than allowed" if metric.decision is Decision.FAIL else "undecided"
            title = metric.title or metric.name
            found.append((kinds[metric.decision], f"{title}: {word}", metric.reason or word))
    return [line for kind in ("error", "warning", "notice") for line in _lines(kind, found)]


def inert(text: str) -> str:
    """`text` between two lines that switch the runner's commands off and on again.

    What ends it is a word that nobody could have written into the text beforehand.
    """
    token = secrets.token_hex(16)
    return f"::stop-commands::{token}\n{text}\n::{token}::"


def inert_json(document: str) -> str:
    """The same JSON document without what begins a command anywhere in a line."""
    return document.replace("##[", "#\\u0023[")


def _lines(kind: str, found: list[tuple[str, str, str]]) -> list[str]:
    own = [(title, message) for one, title, message in found if one == kind]
    shown = own if len(own) <= _MOST else own[: _MOST - 1]
    lines = [_command(kind, title, message) for title, message in shown]
    if len(shown) < len(own):
        lines.append(_command(kind, "and more", f"{len(own) - len(shown)} more: the report has them all"))
    return lines


def _command(kind: str, title: str, message: str) -> str:
    """As actions/toolkit writes one: a property may hold neither colon nor comma, and nothing a line break.

    >>> _command("error", "a, b: 5 %", "50 % worse")
    '::error title=a%2C b%3A 5 %25::50 %25 worse'
    """
    return f"::{kind} title={_property(clean(title, 120))}::{_data(clean(message, _LONGEST))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
