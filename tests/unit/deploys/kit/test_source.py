"""For plain pyinfra: a repository and a ref become an archive, and nothing of the repository runs."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from deploys.kit.source import SourceError, archive_of
from tests.support.git_samples import git


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "repo"
    path.mkdir()
    git(path, "init", "-q", "-b", "master")
    commit(path, "one")
    return path


def commit(repo: Path, text: str) -> str:
    (repo / "file").write_text(text)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", text)
    return git(repo, "rev-parse", "HEAD")


def content(archive: Path) -> str:
    with tarfile.open(archive) as tar:
        member = tar.extractfile("file")
        assert member is not None
        return member.read().decode()


def test_a_branch_is_what_it_is_now_and_a_hash_what_it_ever_was(repo: Path) -> None:
    old, first = archive_of(str(repo), "master")
    second = commit(repo, "two")
    new, found = archive_of(str(repo), "master")
    assert (found, content(new), content(old)) == (second, "two", "one")
    assert archive_of(str(repo), first) == (old, first)
    assert archive_of(str(repo), first[:10])[1] == first


def test_a_hash_that_the_copy_holds_needs_no_repository(repo: Path) -> None:
    archive, found = archive_of(f"file://{repo}", "master")
    repo.rename(repo.with_name("gone"))
    assert archive_of(f"file://{repo}", found) == (archive, found)
    with pytest.raises(SourceError, match="cannot be read"):
        archive_of(f"file://{repo}", "master")


def test_nothing_of_the_repository_runs(repo: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for name in ("post-checkout", "reference-transaction", "post-update"):
        hook = repo / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
        hook.chmod(0o755)
    (repo / ".gitattributes").write_text("file filter=evil\n")
    commit(repo, "two")
    for name in ("filter.evil.smudge", "tar.tar.gz.command", "core.fsmonitor"):
        git(repo, "config", name, f"touch {ran}")
    ran.unlink(missing_ok=True)
    assert content(archive_of(str(repo), "master")[0]) == "two"
    assert not ran.exists()


@pytest.mark.parametrize(
    ("where", "ref", "says"),
    [
        ("{repo}", "no-such", "no branch, tag or commit 'no-such'"),
        ("{repo}", "--output=/tmp/x", "is no ref"),
        ("--upload-pack=x", "master", "is no repository"),
        ("{repo}/absent", "master", "cannot be read"),
        ("ext::sh -c id", "master", "cannot be read"),
        ("{repo}", "", "is no ref"),
    ],
)
def test_what_is_wrong_is_one_line(repo: Path, where: str, ref: str, says: str) -> None:
    with pytest.raises(SourceError) as told:
        archive_of(where.format(repo=repo), ref)
    assert says in str(told.value)
    assert "\n" not in str(told.value)


def test_a_password_in_the_address_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(SourceError) as told:
        archive_of("http://me:hunter2@127.0.0.1:9/x.git", "master")
    assert "hunter2" not in str(told.value)
    assert not any("hunter2" in path.name for path in tmp_path.rglob("*"))
