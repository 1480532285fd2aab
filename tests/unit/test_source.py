"""A repository and a ref become a commit and an archive; whatever cannot be used gives one clear line."""

from __future__ import annotations

import base64
import os
import subprocess
import tarfile
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline import source as source_module
from pipeline.errors import EnvironmentError_, SourceError
from pipeline.mirror import redact
from pipeline.source import open_source

PERSON = {
    f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}
NO_CONFIG = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(at: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=at,
        env={**os.environ, **PERSON, **NO_CONFIG},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repository"
    path.mkdir()
    git(path, "init", "-q", "-b", "master")
    (path / "folder").mkdir()
    (path / "folder" / "file").write_text("one\n")
    git(path, "add", "--all")
    git(path, "commit", "-q", "-m", "First")
    git(path, "tag", "v1")
    git(path, "checkout", "-q", "-b", "broken")
    (path / "folder" / "file").write_text("two\n")
    git(path, "commit", "-q", "-a", "-m", "Second \x1b[31mred")
    git(path, "checkout", "-q", "master")
    return path


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
        ("brokn", "there is no branch, tag or commit 'brokn'; did you mean broken?"),
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


@pytest.mark.parametrize(
    ("repo", "said"),
    [
        ("/nowhere/at/all", "/nowhere/at/all: there is no such path"),
        ("nowhere", "nowhere: there is no such path"),
        ("/etc/passwd", "/etc/passwd: is a file, not a repository"),
        ("--upload-pack=touch x", "is neither a path nor the address"),
        ("", "is neither a path nor the address"),
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


def test_a_url_is_copied_once_and_follows_what_changes_there(repository: Path, cache: Path) -> None:
    url, said = f"file://{repository}", list[str]()
    first = open_source(url, cache, say=said.append).resolve("master")
    git(repository, "commit", "-q", "--allow-empty", "-m", "Third")
    git(repository, "branch", "-D", "broken")
    again = open_source(url, cache, say=said.append)
    assert again.resolve("master").sha != first.sha
    with pytest.raises(SourceError):
        again.resolve("broken")
    assert said == [f"copying {url}"]


def test_a_damaged_copy_is_made_anew(repository: Path, cache: Path) -> None:
    directory = open_source(f"file://{repository}", cache).directory
    (directory / "HEAD").unlink()
    assert open_source(f"file://{repository}", cache).resolve("master").subject == "First"


def test_copies_made_at_the_same_time_do_not_disturb_each_other(repository: Path, cache: Path) -> None:
    subjects = list[str]()

    def take() -> None:
        subjects.append(open_source(f"file://{repository}", cache).resolve("master").subject)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert subjects == ["First"] * 4


class _LoginNeeded(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:s@cret").decode():
            super().do_GET()
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    git(tmp_path, "clone", "-q", "--bare", repository.name, "web.git")
    git(tmp_path / "web.git", "update-server-info")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_LoginNeeded, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    yield f"127.0.0.1:{server.server_port}/web.git"
    server.shutdown()
    server.server_close()


def test_a_url_that_needs_a_login_says_so_and_does_not_ask(web: str, cache: Path) -> None:
    with pytest.raises(SourceError, match="needs a login, or does not exist"):
        open_source(f"http://{web}", cache)


def test_a_password_in_a_url_is_used_and_neither_shown_nor_stored(web: str, cache: Path) -> None:
    source = open_source(f"http://me:s%40cret@{web}", cache)
    assert source.resolve("master").subject == "First"
    assert source.display == f"http://***@{web}"
    stored = b"".join(path.read_bytes() for path in cache.rglob("config"))
    assert web.encode() in stored
    assert b"cret" not in stored


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://token@example.org/x", "https://***@example.org/x"),
        ("https://a:p@ss@example.org/x?key=1#y", "https://***@example.org/x?***"),
        ("ssh://git:pw@example.org/x", "ssh://git@example.org/x"),
        ("git@example.org:x/y.git", "git@example.org:x/y.git"),
        ("/srv/x.git", "/srv/x.git"),
    ],
)
def test_what_is_shown_of_an_address_has_no_secret(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_an_upstream_that_cannot_be_reached_gives_the_sample_and_the_reason(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "UPSTREAMS", {"preview": "http://127.0.0.1:9/x.git"})
    source = open_source(None, cache)
    assert source.sample
    assert source.why.startswith("http://127.0.0.1:9/x.git: cannot be reached: ")
    assert source.display == "bundled sample (services/preview)"
    assert source.resolve("broken").subject.startswith("Fault: ")


def test_an_upstream_that_went_away_leaves_the_copy_of_an_earlier_run(
    repository: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "UPSTREAMS", {"preview": f"file://{repository}"})
    assert not open_source(None, cache).sample
    repository.rename(repository.with_name("gone"))
    said = list[str]()
    source = open_source(None, cache, say=said.append)
    assert not source.sample
    assert source.resolve("master").subject == "First"
    assert "using the copy of an earlier run" in said[0]


def test_a_service_without_upstream_is_the_sample_and_an_unknown_one_needs_a_repository(cache: Path) -> None:
    assert open_source(None, cache, service="slug").sample
    with pytest.raises(SourceError, match="no repository is known for 'other'"):
        open_source(None, cache, service="other")
