"""A repository at an address is copied into the cache, kept up to date, and its secrets kept."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.base.errors import SourceError
from pipeline.base.text import redact
from pipeline.source.opening import open_source
from tests.support.git_samples import git, make_repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


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
