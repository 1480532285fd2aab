"""An environment's secrets are made once, kept to their owner, and never lost."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploys.kit.secrets import SecretsError, secrets_of


def test_secrets_are_made_once_and_stay(tmp_path: Path) -> None:
    first = secrets_of("production", ["mongodb_password"], tmp_path / "s")
    more = secrets_of("production", ["mongodb_password", "other"], tmp_path / "s")
    assert more["mongodb_password"] == first["mongodb_password"]
    assert all(len(value) == 32 and value.isalnum() for value in more.values())
    assert secrets_of("staging", ["other"], tmp_path / "s")["other"] != more["other"]


def test_only_the_owner_reads_the_file_and_its_directory(tmp_path: Path) -> None:
    secrets_of("production", ["a"], tmp_path / "s")
    modes = [
        stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "s", tmp_path / "s" / "production.yml")
    ]
    assert modes == [0o700, 0o600]


def test_a_file_that_others_can_read_is_refused_with_what_to_type(tmp_path: Path) -> None:
    file = tmp_path / "production.yml"
    file.write_text("a: b\n")
    file.chmod(0o640)
    with pytest.raises(SecretsError, match=f"chmod 600 {file}"):
        secrets_of("production", ["a"], tmp_path)


def test_a_variable_wins_and_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_SECRET_A", "given by hand")
    assert secrets_of("production", ["a"], tmp_path / "s") == {"a": "given by hand"}
    assert not (tmp_path / "s").exists()


def test_a_secret_that_looks_like_a_number_stays_the_text_it_is(tmp_path: Path) -> None:
    file = tmp_path / "production.yml"
    file.touch(mode=0o600)
    file.write_text("a: 0123\nb: 1e5\n")
    assert secrets_of("production", ["a", "b"], tmp_path) == {"a": "0123", "b": "1e5"}


@pytest.mark.parametrize("content", ["[", "- a\n", "a: [b]\n", "a: ''\n", 'a: "x\\ny"\n', "\x00"])
def test_a_damaged_file_is_one_line_and_is_left_as_it_is(tmp_path: Path, content: str) -> None:
    file = tmp_path / "production.yml"
    file.touch(mode=0o600)
    file.write_text(content)
    with pytest.raises(SecretsError, match=r"\A[^\n]*production\.yml[^\n]*\Z"):
        secrets_of("production", ["a", "b"], tmp_path)
    assert file.read_text() == content


@pytest.mark.parametrize("environment", ["../x", "", "a/b", ".hidden"])
def test_an_environment_is_never_a_path(tmp_path: Path, environment: str) -> None:
    with pytest.raises(SecretsError, match="is no name"):
        secrets_of(environment, ["a"], tmp_path)


def test_two_deploys_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: secrets_of("production", ["a"], tmp_path)["a"], range(16)))
    assert len(set(found)) == 1
