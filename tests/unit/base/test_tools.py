"""Programs that only some commands need."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.base.errors import EnvironmentError_
from pipeline.base.tools import CHROMIUM, JDK, MAVEN, require


def _program(directory: Path, name: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).touch(mode=0o755)
    return directory / name


def test_a_program_is_found_under_any_of_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert CHROMIUM.path is None
    assert CHROMIUM.path is None
    assert str(_program(tmp_path, "google-chrome")) == CHROMIUM.path


def test_javac_counts_only_in_java_home_where_that_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = _program(tmp_path / "bin", "javac")
    monkeypatch.setenv("PATH", str(here.parent))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert str(here) == JDK.path
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jre"))
    with pytest.raises(
        EnvironmentError_, match=f"a build needs a JDK: there is no javac in JAVA_HOME={tmp_path}/jre"
    ):
        require((JDK,), "a build")
    there = _program(tmp_path / "jre" / "bin", "javac")
    assert str(there) == JDK.path


def test_what_is_missing_is_told_with_what_to_type_and_what_works_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentError_, match="a build needs Maven: there is no mvn") as raised:
        require((MAVEN, JDK), "a build")
    assert raised.value.hint is not None
    assert raised.value.hint.startswith("sudo apt-get install maven; without it iTrust is built on its host")
