"""What is deployed is the commit's tree, from any kind of clone; what the tree lacks is told beforehand."""

from __future__ import annotations

import random
import tarfile
from pathlib import Path

import pytest

from bench.inputs.trees import KINDS, disagreements
from deploys.kit.source import archive_of
from pipeline.base.console import Progress
from pipeline.base.errors import SourceError
from pipeline.canary import plan as plan_module
from pipeline.source.opening import open_source
from pipeline.source.repository import Source
from tests.support.git_samples import git, make_repository

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "deploys"))
    return make_repository(tmp_path / "repository")


def committed(repository: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (repository / name).write_text(text)
    git(repository, "add", "--all")
    git(repository, "commit", "-q", "-m", "More")


def opened(repository: Path) -> Source:
    return open_source(str(repository), repository.parent / "cache")


def contents(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {name: file.read() for name, file in files.items() if file is not None}


@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize("kind", KINDS)
def test_a_random_tree_is_packed_as_git_lists_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, number: int
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "deploys"))
    assert disagreements(tmp_path, random.Random(f"test-{number}"), kind) == []  # noqa: S311 - inputs, not secrets


def test_attributes_change_nothing_of_what_is_deployed(repository: Path, tmp_path: Path) -> None:
    files = {
        "left-out": "here\n",
        "subst": "$Format:%H$ $Id$\n",
        "lines": "one\ntwo\n",
    }
    rules = "left-out export-ignore\nsubst export-subst ident\nlines eol=crlf\n"
    for name, text in files.items():
        (repository / name).write_text(text)
    git(repository, "add", "--all")
    committed(repository, {".gitattributes": rules})
    source = opened(repository)
    ours = contents(source.archive(source.resolve("HEAD"), tmp_path / "tree.tar.gz"))
    theirs = contents(archive_of(str(repository), "HEAD")[0])
    assert ours == theirs
    assert {name: ours[name].decode() for name in files} == files


def test_a_replaced_commit_is_still_what_its_hash_says(repository: Path, tmp_path: Path) -> None:
    git(repository, "replace", "master", "broken")
    source = opened(repository)
    ours = contents(source.archive(source.resolve("master"), tmp_path / "tree.tar.gz"))
    assert ours == contents(archive_of(str(repository), "master")[0]) == {"folder/file": b"one\n"}


def test_a_shallow_clone_says_how_to_get_what_it_lacks(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "-q", "broken")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    source = opened(tmp_path / "shallow")
    assert source.resolve("HEAD").subject.startswith("Second")
    with pytest.raises(SourceError, match="'HEAD~1' in this shallow clone") as caught:
        source.resolve("HEAD~1")
    assert "fetch --unshallow" in str(caught.value.hint)


def test_a_shallow_repository_that_goes_on_is_copied_again(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    address = f"file://{tmp_path / 'shallow'}"
    for number in range(2):
        sha = git(tmp_path / "shallow", "rev-parse", "HEAD")
        assert archive_of(address, "HEAD")[1] == sha
        assert open_source(address, tmp_path / "cache").resolve("master").sha == sha
        committed(repository, {"file": f"more {number}\n"})
        git(
            tmp_path / "shallow",
            "fetch",
            "-q",
            "--depth",
            "1",
            "origin",
            "+master:refs/remotes/origin/master",
        )
        git(tmp_path / "shallow", "reset", "-q", "--hard", "origin/master")


def test_a_partial_clone_says_how_to_get_what_it_lacks(repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "-n", "--filter=blob:none", f"file://{repository}", "partial")
    source = opened(tmp_path / "partial")
    with pytest.raises(SourceError, match="is a partial clone, and lacks files of HEAD") as caught:
        source.archive(source.resolve("HEAD"), tmp_path / "tree.tar.gz")
    assert "fetch --refetch --no-filter" in str(caught.value.hint)


def test_pointers_of_git_lfs_and_submodules_are_told(repository: Path) -> None:
    committed(repository, {"model.bin": POINTER, "README": f"A pointer reads:\n{POINTER}"})
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendored")
    git(repository, "commit", "-q", "-m", "A submodule")
    (repository / "vendored").mkdir()
    source = opened(repository)
    assert source.notes(source.resolve("HEAD"), source.resolve("v1")) == [
        "HEAD: 1 file of Git LFS is deployed as a pointer, without content: model.bin",
        "HEAD: 1 submodule is deployed as an empty directory: vendored",
    ]


def test_uncommitted_changes_are_told_and_nothing_of_the_repository_runs(
    repository: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    committed(repository, {".gitattributes": "folder/* filter=evil\n", ".gitignore": "ignored\n"})
    for name in ("filter.evil.clean", "core.fsmonitor", "diff.external", "core.untrackedCache"):
        git(repository, "config", name, f"touch {ran}; cat")
    (repository / "ignored").write_text("x")
    source = opened(repository)
    head = source.resolve("HEAD")
    assert source.notes(head) == []
    before = (repository / ".git" / "index").read_bytes()
    (repository / "folder" / "file").write_text("changed\n")
    (repository / "new").write_text("x")
    assert source.notes(head) == [
        "uncommitted changes in the work tree are not part of what is deployed: "
        "1 changed file and 1 new file (folder/file, new)"
    ]
    assert (repository / ".git" / "index").read_bytes() == before
    assert not ran.exists()


def test_staged_changes_are_uncommitted_and_a_bare_repository_has_none(
    repository: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", "--bare", "repository", "bare.git")
    (repository / "folder" / "file").write_text("staged\n")
    git(repository, "add", "--all")
    source, bare = opened(repository), opened(tmp_path / "bare.git")
    assert "1 changed file (folder/file)" in source.notes(source.resolve("HEAD"))[0]
    assert bare.notes(bare.resolve("HEAD")) == []


def test_converted_line_ends_of_a_work_tree_are_no_change(repository: Path) -> None:
    committed(repository, {".gitattributes": "folder/file text eol=crlf\n"})
    (repository / "folder" / "file").unlink()
    git(repository, "checkout", "folder/file")
    assert (repository / "folder" / "file").read_bytes() == b"one\r\n"
    (repository / "folder" / "file").touch()
    source = opened(repository)
    assert source.notes(source.resolve("HEAD")) == []


def test_a_repository_in_a_form_that_this_git_cannot_read_is_one_line(repository: Path) -> None:
    git(repository, "config", "core.repositoryFormatVersion", "1")
    git(repository, "config", "extensions.futureStorage", "x")
    with pytest.raises(SourceError, match=r"cannot be read as a git repository: .*futurestorage"):
        opened(repository)


def test_a_plan_tells_the_notes_and_the_run_keeps_them(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_module, "CACHE", tmp_path / "cache")
    (repository / "folder" / "file").write_text("changed\n")
    settings = plan_module.Settings("master", "broken", repo=str(repository), runs=tmp_path / "runs")
    said = list[str]()
    progress = Progress(quiet=True)
    monkeypatch.setattr(progress, "say", said.append)
    plan = plan_module.make_plan(settings, progress)
    (note,) = plan.notes
    assert said == [f"note: {note}"]
    assert "uncommitted changes" in note
    assert plan_module.new_run(plan).record.notes == (note,)
