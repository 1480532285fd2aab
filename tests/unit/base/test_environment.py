"""Secrets come from the environment or a private file; what is missing is refused without a word of a value."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.environment import environment, fill, fill_values, read_env_file
from pipeline.base.errors import ConfigError


def env_file(tmp_path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path = tmp_path / "x.env"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def test_a_name_is_replaced_and_what_is_escaped_is_not() -> None:
    assert fill("postgres://${USER}:${WORD}@db $${WORD} $5", {"USER": "app", "WORD": "a${b}"}) == (
        "postgres://app:a${b}@db ${WORD} $5"
    )
    assert fill_values({"a": ["${X}", 1]}, {"X": "y"}) == {"a": ["y", 1]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${NOPE}", r"\$\{NOPE\} is not set in the environment: export NOPE="),
        ("${EMPTY}", r"\$\{EMPTY\} is empty"),
        ("${NOPE:-s3cret}", "begins"),
        ("${NOPE", "begins"),
        ("${}", "begins"),
        ("{{ vault.password }}", "unfilled"),
        ("${{ secrets.X }}", "unfilled"),
        ("{% if x %}", "unfilled"),
    ],
)
def test_what_cannot_be_filled_says_what_to_type(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        fill(text, {"EMPTY": ""})
    assert "s3cret" not in str(caught.value)


def test_an_env_file_is_read_as_docker_compose_reads_it(tmp_path: Path) -> None:
    text = '\ufeff# note\r\nA=1\r\nexport B = \'x # y\' # note\r\nC="a \\"b\\""\r\nD=a#b # note\r\nE=\r\nF=$A\r\n'
    found = read_env_file(env_file(tmp_path, text))
    assert found == {"A": "1", "B": "x # y", "C": 'a "b"', "D": "a#b", "E": "", "F": "$A"}


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "environment")
    known = environment(env_file(tmp_path, "A=file\nB=file\n"))
    assert (known["A"], known["B"]) == ("environment", "file")


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("A=1\ns3cret\n", 0o600, ":2: not NAME=VALUE"),
        ("A='s3cret\n", 0o600, ":1: A: a quote is not closed"),
        ("A='x' s3cret\n", 0o600, ":1: A: a quote is not closed, or text follows it"),
        ("A=s3cret\n", 0o644, ":1: others can read this file: chmod 600 "),
        (b"A=\xff\n", 0o600, ":1: not a text file in UTF-8"),
        (b"x" * 100_001, 0o600, ":1: larger than"),
    ],
)
def test_an_env_file_that_cannot_be_used_is_told_without_a_word_of_its_values(
    tmp_path: Path, text: str | bytes, mode: int, said: str
) -> None:
    path = env_file(tmp_path, text, mode)
    with pytest.raises(ConfigError) as caught:
        read_env_file(path)
    assert caught.value.problems[0].startswith(f"{path}{said}")
    assert "s3cret" not in str(caught.value.problems)


def test_a_directory_and_no_file_are_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(ConfigError) as caught:
            read_env_file(path)
        assert caught.value.problems[0].startswith(f"{path}:1: ")


@given(st.text(max_size=100))
def test_any_text_is_filled_or_refused(text: str) -> None:
    try:
        filled = fill(text, {})
    except ValueError:
        return
    assert "{{" not in text or "}}" not in text.partition("{{")[2]
    assert filled == text.replace("$${", "${")
