"""What `pipeline doctor` says of programs and credentials that only some commands need."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.lab import doctor
from pipeline.lab.doctor import Finding


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Finding]:
    """What is found on a machine with no program at all and no credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(doctor, "_lab", lambda: ())
    return {finding.what: finding for finding in doctor.diagnose()}


@pytest.mark.parametrize(
    ("what", "hint", "without"),
    [
        ("Maven", "sudo apt-get install maven", "iTrust is built on its host"),
        ("JDK", "sudo apt-get install default-jdk-headless", "iTrust is built on its host"),
        ("Chromium", "sudo apt-get install chromium", "tests of pages are skipped"),
        ("AWS credentials", "aws configure", "pipeline prod up --cloud vagrant"),
    ],
)
def test_what_is_missing_has_its_command_and_what_works_without_it(
    found: dict[str, Finding], what: str, hint: str, without: str
) -> None:
    finding = found[what]
    assert not finding.ok
    assert not finding.needed, "a canary run starts without it"
    assert finding.hint.startswith(hint)
    assert without in finding.state


def test_credentials_of_the_environment_are_found_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    finding = doctor._aws()
    assert finding.ok
    assert "AKIA" not in finding.state
    assert "hunter2" not in finding.state


def test_a_profile_that_is_not_there_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    finding = doctor._aws()
    assert not finding.ok
    assert "no-such-profile" in finding.state
