"""One meaning of a ref: the commit git finds, in `pipeline` as in `pyinfra deploys/...`, or one line."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench.inputs.fuzz_refs import checked, fuzzed, prepare
from deploys.kit import refs as refs_of_deploys
from deploys.kit.source import SourceError as DeploySourceError
from deploys.kit.source import archive_of
from pipeline.base.errors import SourceError
from pipeline.source import refs
from pipeline.source.opening import open_source
from tests.support.git_samples import git


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "deploys"))
    prepare(tmp_path / "repository")
    return tmp_path / "repository"


def test_both_readers_have_the_same_rule() -> None:
    ours, theirs = (Path(str(module.__file__)).read_text() for module in (refs, refs_of_deploys))
    assert ours.partition("\nfrom ")[2] == theirs.partition("\nfrom ")[2]


@pytest.mark.parametrize(
    ("ref", "same_as"),
    [
        (":/one", "master~2"),
        (":/two", "master~1"),
        ("HEAD^{/one}", "master~2"),
        ("HEAD~1", "master~1"),
        ("@", "master"),
        ("@~2", "master~2"),
        ("2026", "master~1"),
        ("refs/tags/both", "master~2"),
        ("heads/both~1", "master~2"),
        ("v1", "master~1"),
    ],
)
def test_a_ref_is_one_commit_in_both(repository: Path, tmp_path: Path, ref: str, same_as: str) -> None:
    git(repository, "branch", "-f", "2026", "master~1")
    sha = git(repository, "rev-parse", same_as)
    assert open_source(str(repository), tmp_path / "cache").resolve(ref).sha == sha
    assert archive_of(str(repository), ref)[1] == sha


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("both", "'both' is ambiguous: refs/heads/both and refs/tags/both differ"),
        ("both~1", "'both~1' is ambiguous: refs/heads/both and refs/tags/both differ"),
        ("HEAD:odd^{commit}", "no"),
        ("^master", "no"),
        ("@@{now}^{tree}", "no"),
        ("HEAD:d", "no"),
        ("a" * 5000, "no"),
        ("\udcff", "no"),
        ("master\x85", "no"),
    ],
)
def test_what_is_no_one_commit_is_refused_by_both(
    repository: Path, tmp_path: Path, ref: str, said: str
) -> None:
    with pytest.raises(SourceError) as ours:
        open_source(str(repository), tmp_path / "cache").resolve(ref)
    with pytest.raises(DeploySourceError) as theirs:
        archive_of(str(repository), ref)
    for message in (ours.value.message, str(theirs.value)):
        assert said in message
        assert message.isprintable()
        assert len(message) < 500


def test_head_is_where_the_repository_is_now_and_not_where_it_was_copied(repository: Path) -> None:
    archive_of(str(repository), "HEAD")
    git(repository, "checkout", "-q", "--detach", "master~1")
    assert archive_of(str(repository), "HEAD")[1] == git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "topic/x")
    git(repository, "commit", "-q", "--allow-empty", "-m", "four")
    assert archive_of(str(repository), "@")[1] == git(repository, "rev-parse", "HEAD")


def test_random_refs_are_what_git_says_or_one_line(tmp_path: Path) -> None:
    hashes = prepare(tmp_path / "repository")
    source = open_source(str(tmp_path / "repository"), tmp_path / "cache")
    chance = random.Random(7)  # noqa: S311 - inputs, not secrets
    found = [checked(source, fuzzed(chance, hashes)) for _ in range(60)]
    assert [why for _, why in found if why] == []
    assert {became for became, _ in found} >= {"refused", "resolved"}


def test_a_branch_that_only_a_remote_has_is_taken_as_git_checkout_takes_it(
    repository: Path, tmp_path: Path
) -> None:
    """A clone has one branch of its own; the others are origin's."""
    git(repository, "branch", "feature/x", "master~1")
    git(tmp_path, "clone", "-q", "repository", "clone")
    sha = git(repository, "rev-parse", "feature/x")
    source = open_source(str(tmp_path / "clone"), tmp_path / "cache")
    commit = source.resolve("feature/x")
    assert (commit.sha, commit.found_as) == (sha, "origin/feature/x")
    assert "feature/x: this clone has no such branch of its own; origin/feature/x is taken" in source.notes(
        commit
    )
    assert archive_of(str(tmp_path / "clone"), "feature/x")[1] == sha
    git(tmp_path / "clone", "checkout", "-q", "feature/x")
    assert git(tmp_path / "clone", "rev-parse", "HEAD") == sha
    assert source.resolve("feature/x").found_as == ""


def test_a_branch_that_two_remotes_have_is_taken_when_both_mean_the_same(
    repository: Path, tmp_path: Path
) -> None:
    git(repository, "branch", "both-have", "master~1")
    git(tmp_path, "clone", "-q", "repository", "clone")
    git(tmp_path / "clone", "update-ref", "refs/remotes/fork/both-have", "origin/both-have")
    source = open_source(str(tmp_path / "clone"), tmp_path / "cache")
    assert source.resolve("both-have").found_as == "fork/both-have"
    git(tmp_path / "clone", "update-ref", "refs/remotes/fork/both-have", "origin/master")
    with pytest.raises(
        SourceError, match="'both-have' is ambiguous: fork/both-have and origin/both-have differ"
    ):
        source.resolve("both-have")
    with pytest.raises(DeploySourceError, match="is ambiguous"):
        archive_of(str(tmp_path / "clone"), "both-have")


def test_a_misspelt_branch_of_a_remote_is_suggested_by_its_own_name(repository: Path, tmp_path: Path) -> None:
    git(repository, "branch", "release-6", "master~1")
    git(tmp_path, "clone", "-q", "repository", "clone")
    with pytest.raises(
        SourceError, match=r"there is no branch, tag or commit 'relase-6': did you mean 'release-6'\?"
    ):
        open_source(str(tmp_path / "clone"), tmp_path / "cache").resolve("relase-6")
