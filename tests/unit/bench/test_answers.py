"""Random raw answers: the loader says of each what curl says, but for the kinds that the bench names."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from bench.inputs.answers import ODD, differences, generate


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_loader_and_curl_agree_about_random_answers() -> None:
    answers = {number: generate(number) for number in range(50)}
    plain = {number: raw for number, raw in answers.items() if not raw.odd}
    assert len(plain) > 25
    assert asyncio.run(differences(plain)) == []


def test_the_same_number_is_the_same_answer_and_every_odd_kind_comes() -> None:
    assert generate(7) == generate(7)
    assert {generate(number).odd for number in range(600)} == {"", *ODD}
