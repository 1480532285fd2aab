"""A repository and a ref become a commit and an archive; whatever cannot be used gives one clear line."""

from __future__ import annotations

import subprocess
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from pipeline.base.errors import SourceError
from pipeline.source.opening import open_source
from tests.support.git_samples import git, make_repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.mark.parametrize("ref", ["master", "v1", "HEAD", "refs/heads/master", "broken~1", "master@{0}"])
def test_any_ref_that_git_knows_resolves_to_its_commit(repository: Path, cache: Path, ref: str) -> None:
    commit = open_source(str(repository), cache).resolve(ref)
    assert (commit.ref, commit.sha, commit.subject) == (ref, git(repository, "rev-parse", "v1"), "First")
    assert commit.author_date[:2] == "20"


def test_an_abbreviated_hash_resolves(repository: Path, cache: Path) -> None:
    sha = git(repository, "rev-parse", "broken")
    assert open_source(str(repository), cache).resolve(sha[:7]).sha == sha


def test_control_characters_of_a_commit_message_do_not_reach_the_terminal(
    repository: Path, cache: Path
) -> None:
    assert open_source(str(repository), cache).resolve("broken").subject == "Second  [31mred"


def test_a_remote_branch_and_a_worktree_and_a_bare_repository_work(
    repository: Path, cache: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", "repository", "clone")
    git(tmp_path, "clone", "-q", "--bare", "repository", "bare.git")
    git(repository, "worktree", "add", "-q", str(tmp_path / "tree"), "broken")
    sha = git(repository, "rev-parse", "broken")
    for path, ref in (("clone", "origin/broken"), ("bare.git", "broken"), ("tree", "HEAD")):
        source = open_source(str(tmp_path / path), cache)
        assert source.resolve(ref).sha == sha
        assert source.archive(source.resolve(ref), tmp_path / f"{path}.tar.gz").stat().st_size > 0


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("brokn", "there is no branch, tag or commit 'brokn': did you mean 'broken'?"),
        ("HEAD:folder", "'HEAD:folder' is a tree, not a commit"),
        ("HEAD:folder/file", "'HEAD:folder/file' is a blob, not a commit"),
        ("0" * 40, "is missing"),
        ("master..broken", "there is no branch, tag or commit"),
        ("--all", "cannot be the name"),
        ("", "cannot be the name"),
        ("master\n", "cannot be the name"),
    ],
)
def test_a_ref_that_is_no_commit_is_one_line(repository: Path, cache: Path, ref: str, said: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(str(repository), cache).resolve(ref)
    assert said in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == 2


def test_a_name_of_both_a_branch_and_a_tag_is_refused_unless_they_agree(
    repository: Path, cache: Path
) -> None:
    git(repository, "tag", "broken", "master")
    source = open_source(str(repository), cache)
    with pytest.raises(
        SourceError, match="'broken' is ambiguous: refs/heads/broken and refs/tags/broken differ"
    ):
        source.resolve("broken")
    assert source.resolve("refs/heads/broken").sha != source.resolve("refs/tags/broken").sha
    git(repository, "tag", "-f", "broken", "refs/heads/broken")
    assert source.resolve("broken").sha == git(repository, "rev-parse", "refs/heads/broken")


def test_a_hash_too_short_to_be_one_commit_is_ambiguous(repository: Path, cache: Path) -> None:
    # Always the same 3000 commits, so it is no luck that some of them share their first four digits.
    commits = (f"commit refs/heads/many\ncommitter t <t> {i} +0000\ndata 1\nx\n" for i in range(3000))
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=repository, input="".join(commits).encode(), check=True
    )
    prefixes = Counter(sha[:4] for sha in git(repository, "rev-list", "many").split())
    twice = prefixes.most_common(1)[0][0]
    with pytest.raises(SourceError, match="several objects begin so"):
        open_source(str(repository), cache).resolve(twice)


def test_an_archive_holds_the_tree_of_the_commit_and_is_the_same_every_time(
    repository: Path, cache: Path, tmp_path: Path
) -> None:
    source = open_source(str(repository), cache)
    commit = source.resolve("broken")
    one, two = (source.archive(commit, tmp_path / "new" / name) for name in ("1.tar.gz", "2.tar.gz"))
    assert one.read_bytes() == two.read_bytes()
    with tarfile.open(one) as tar:
        member = tar.extractfile("folder/file")
        assert member is not None
        assert member.read() == b"two\n"
    assert sorted(path.name for path in one.parent.iterdir()) == ["1.tar.gz", "2.tar.gz"]


def test_the_configuration_of_a_hostile_repository_runs_nothing(
    repository: Path, cache: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    command = f"touch {ran}; cat"
    (repository / ".gitattributes").write_text("* filter=evil diff=evil\nfolder/file export-subst\n")
    git(repository, "add", "--all")
    git(repository, "commit", "-q", "-m", "Attributes")
    hook = repository / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{command}\n")
    hook.chmod(0o755)
    (repository / "gpg").write_text(f"#!/bin/sh\n{command}\n")
    (repository / "gpg").chmod(0o755)
    with (repository / ".git" / "config").open("a") as config:
        config.write(
            f'[filter "evil"]\n smudge = "{command}"\n process = "{command}"\n required = true\n'
            f'[core]\n fsmonitor = "{command}"\n sshCommand = "{command}"\n pager = "{command}"\n'
            f'[tar "tar"]\n command = "{command}"\n[tar "tar.gz"]\n command = "{command}"\n'
            f'[log]\n showSignature = true\n[gpg]\n program = "{repository}/gpg"\n'
            f'[extensions]\n partialClone = origin\n'
            f'[remote "origin"]\n promisor = true\n url = {repository}\n uploadpack = "{command}"\n'
            f'[alias]\n rev-parse = "!{command}"\n'
        )  # fmt: skip
    source = open_source(str(repository), cache)
    source.archive(source.resolve("master"), tmp_path / "tree.tar.gz")
    with pytest.raises(SourceError):
        source.resolve("1" * 40)  # a missing object, which a partial clone would go and fetch
    assert not ran.exists()
    subprocess.run(["git", "archive", "master"], cwd=repository, capture_output=True, check=False)
    assert ran.exists(), "plain git does not fall into the trap, so the test shows nothing"
