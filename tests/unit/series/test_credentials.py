"""Credentials come from a file that is private or from the environment, and nobody is told them."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from pipeline.base.errors import UsageError
from pipeline.series.credentials import VARIABLE, read_credentials, read_headers
from pipeline.series.prometheus import Prometheus
from tests.support.prometheus_faults import GOOD, faulty

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("line", "header"),
    [
        (f"Bearer {SECRET}\n", f"Bearer {SECRET}"),
        (f"Basic judge:a:{SECRET}é", "Basic " + base64.b64encode(f"judge:a:{SECRET}é".encode()).decode()),
    ],
)
def test_credentials_come_from_a_private_file_or_the_environment_and_reach_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, header: str
) -> None:
    (tmp_path / "file").write_text(line, "utf-8")
    (tmp_path / "file").chmod(0o600)
    monkeypatch.setenv(VARIABLE, line)
    for path in (tmp_path / "file", None):
        with faulty(GOOD) as server, Prometheus(server.url, auth=read_credentials(path)) as client:
            client.query_range("up", 0, 1, 1)
            assert SECRET not in repr(client) + repr(vars(client))
        assert server.seen[0][0]["Authorization"] == header


def test_a_password_for_other_programs_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login me password {SECRET}\n", "utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with faulty(GOOD) as server, Prometheus(server.url) as client:
        client.query_range("up", 0, 1, 1)
    assert "Authorization" not in server.seen[0][0]


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        (f"Bearer {SECRET}", 0o644, "others can read this file"),
        (f"{SECRET}", 0o600, "not credentials"),
        (f"Bearer {SECRET} {SECRET}", 0o600, "not credentials"),
        (f"Basic {SECRET}", 0o600, "not credentials"),
        ("", 0o600, "not credentials"),
        ("\udcff", 0o600, "not text in UTF-8"),
        (None, 0, "cannot be read"),
    ],
)
def test_a_file_that_holds_no_credentials_is_refused_without_a_word_of_it(
    tmp_path: Path, text: str | None, mode: int, words: str
) -> None:
    path = tmp_path / "file"
    if text is not None:
        path.write_bytes(os.fsencode(text))
        path.chmod(mode)
    with pytest.raises(UsageError) as caught:
        read_credentials(path)
    assert words in caught.value.message
    assert SECRET not in caught.value.message + str(caught.value.hint)


def _private(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_headers_come_from_a_private_file_and_reach_the_server(tmp_path: Path) -> None:
    path = _private(tmp_path / "headers", f"# Mimir\n\nX-Scope-OrgID: a|b\r\nX-Key:  {SECRET}é\n")
    with faulty(GOOD) as server, Prometheus(server.url, headers=read_headers(path)) as client:
        client.query_range("up", 0, 1, 1)
    sent = server.seen[0][0]
    assert sent["X-Scope-OrgID"] == "a|b"
    assert sent["X-Key"].encode("latin-1").decode() == f"{SECRET}é"


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        (f"X-Key: {SECRET}", 0o644, "others can read this file"),
        (f"ok: 1\nX-Key {SECRET}", 0o600, ":2: not a header"),
        (f"X-Key: \n{SECRET}", 0o600, ":1: not a header"),
        (f"X Key: {SECRET}", 0o600, ":1: not a header"),
        (f"X-Key: {SECRET}\x07", 0o600, ":1: not a header"),
        (f"X-Key: {SECRET}\nx-key: {SECRET}", 0o600, ":2: x-key stands there twice"),
        (f"Content-Length: {SECRET}", 0o600, ":1: Content-Length is set by the client itself"),
        ("# none\n", 0o600, "no header is in it"),
    ],
)
def test_a_file_of_headers_that_is_not_one_is_refused_without_its_values(
    tmp_path: Path, text: str, mode: int, words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        read_headers(_private(tmp_path / "headers", text, mode))
    assert words in caught.value.message
    assert SECRET not in f"{caught.value.message}{caught.value.hint}"
