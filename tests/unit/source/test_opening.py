"""A repository is opened by path, by URL, or as a service's sample; what cannot be opened is one clear line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.base.errors import EnvironmentError_, SourceError
from pipeline.source import opening
from pipeline.source.opening import open_source
from tests.support.git_samples import make_repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("repo", "said"),
    [
        ("/nowhere/at/all", "/nowhere/at/all: there is no such path"),
        ("nowhere", "nowhere: there is no such path"),
        ("/etc/passwd", "/etc/passwd: is a file, not a repository"),
        ("--upload-pack=touch x", "is neither a path nor the address"),
        ("", "is neither a path nor the address"),
        ("a" * 5000, "is neither a path nor the address"),
        ("~no-such-user/x", "is neither a path nor the address"),
        ("http://[::1/x", "is neither a path nor the address"),
        ("ext::sh -c id", "ext is not supported"),
        ("ftp://example.org/x", "ftp is not supported"),
        (
            "https://me:secret@127.0.0.1:9/x.git",
            "https://***@127.0.0.1:9/x.git: cannot be reached: Failed to connect",
        ),
        ("file:///nowhere/x.git", "there is no repository at this address"),
    ],
)
def test_what_is_no_repository_is_one_line_and_never_the_sample(cache: Path, repo: str, said: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(repo, cache)
    assert said in caught.value.message
    assert "secret" not in f"{caught.value.message} {caught.value.hint}"
    assert "\n" not in caught.value.message


def test_a_directory_inside_a_repository_is_not_the_repository(repository: Path, cache: Path) -> None:
    with pytest.raises(SourceError, match="is not a git repository"):
        open_source(str(repository / "folder"), cache)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to another user")
def test_a_repository_of_another_user_says_how_to_trust_it(repository: Path, cache: Path) -> None:
    os.chown(repository, 12345, 12345)
    os.chown(repository / ".git", 12345, 12345)
    with pytest.raises(SourceError, match="belongs to another user") as caught:
        open_source(str(repository), cache)
    assert "safe.directory" in str(caught.value.hint)


def test_a_machine_without_git_is_an_error_of_the_environment(
    repository: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EnvironmentError_, match="git is not installed"):
        open_source(str(repository), cache)


def test_an_upstream_that_cannot_be_reached_gives_the_sample_and_the_reason(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "REPOSITORIES", {"preview": "http://127.0.0.1:9/x.git"})
    source = open_source(None, cache)
    assert source.sample
    assert source.why.startswith("http://127.0.0.1:9/x.git: cannot be reached: ")
    assert source.display == "bundled sample (services/preview)"
    assert source.resolve("broken").subject.startswith("Fault: ")


def test_an_upstream_that_went_away_leaves_the_copy_of_an_earlier_run(
    repository: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "REPOSITORIES", {"preview": f"file://{repository}"})
    assert not open_source(None, cache).sample
    repository.rename(repository.with_name("gone"))
    said = list[str]()
    source = open_source(None, cache, say=said.append)
    assert not source.sample
    assert source.resolve("master").subject == "First"
    assert "using the copy of an earlier run" in said[0]


def test_the_sample_can_be_asked_for_by_its_name(cache: Path) -> None:
    assert open_source("sample", cache).sample


def test_a_service_without_upstream_is_the_sample_and_an_unknown_one_needs_a_repository(cache: Path) -> None:
    assert open_source(None, cache, service="slug").sample
    with pytest.raises(SourceError, match="no repository is known for 'other'"):
        open_source(None, cache, service="other")


def test_what_a_killed_process_left_half_made_is_removed_by_the_next(cache: Path, tmp_path: Path) -> None:
    """One is killed as it makes the sample, one as it makes the empty repository of the cache."""
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    code = "import sys, pathlib, pipeline.source.opening as o; o.open_source('sample', pathlib.Path(sys.argv[1]))"
    for pattern in ("*commit*", "*--bare*"):
        # git itself, but with such arguments it ends the process that called it.
        otherwise = f'*) exec {shutil.which("git")} "$@" ;;'
        git.write_text(f'#!/bin/sh\ncase " $* " in {pattern}) kill -KILL "$PPID" ;; {otherwise} esac\n')
        git.chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", code, str(cache)],
            env={**os.environ, "PATH": f"{git.parent}:{os.environ['PATH']}"},
            capture_output=True,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert [path for path in cache.rglob("*") if path.name.startswith("pipeline-run-")]
    assert open_source("sample", cache).sample
    assert not [path for path in cache.rglob("*") if path.name.startswith("pipeline-run-")]
