"""How connections are made, with both engines: authorities, client certificates, names, addresses."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loadgen.cli import USAGE, main
from tests.support.keeping_server import ANSWER, Server, serving
from tests.support.real_prometheus import write_certificate

both_engines = pytest.mark.usefixtures("engine")


def summary(url: str, *options: str) -> dict[str, Any]:
    """Of a short run in a child."""
    told = subprocess.run(
        [
            *(sys.executable, "-m", "loadgen", url, "--rate=10", "--duration=0.3s", "--events"),
            *("--max-lateness=5s", *options),
        ],
        capture_output=True,
        check=True,
    )
    assert told.stderr == b""
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])["summary"]
    return found


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    write_certificate(tmp_path)
    return tmp_path


def of_server(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return context


@both_engines
def test_a_server_is_checked_by_the_given_authority_or_not_at_all(certificate: Path) -> None:
    with serving(tls=of_server(certificate)) as server:
        assert summary(server.url, f"--ca={certificate / 'cert.pem'}")["status"] == {"200": 3}
        assert summary(server.url, "--insecure")["status"] == {"200": 3}
        refused = summary(server.url)
    assert refused["errors_by_kind"] == {"connect": 3}
    assert "certificate verify failed" in refused["examples"]["connect"]


@both_engines
def test_a_server_that_asks_for_a_certificate_gets_it(certificate: Path) -> None:
    context = of_server(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate / "cert.pem")
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # where the refusal is part of the handshake
    own = (f"--cert={certificate / 'cert.pem'}", f"--key={certificate / 'key.pem'}")
    with serving(tls=context) as server:
        assert summary(server.url, "--insecure", *own)["status"] == {"200": 3}
        assert summary(server.url, "--insecure")["completed"] == 0


@both_engines
def test_a_server_is_asked_for_the_given_name_and_checked_for_it(tmp_path: Path) -> None:
    write_certificate(tmp_path, "shop.example")
    context, names = of_server(tmp_path), list[str | None]()
    context.sni_callback = lambda _, name, __: names.append(name)
    with serving(tls=context) as server:
        known = f"--ca={tmp_path / 'cert.pem'}"
        assert summary(server.url, known, "--sni=shop.example")["status"] == {"200": 3}
        assert set(names) == {"shop.example"}
        assert summary(server.url, known, "--sni=other.example")["errors_by_kind"] == {"connect": 3}


@both_engines
def test_a_name_is_resolved_as_it_is_said_and_stays_in_the_header() -> None:
    with serving() as server:
        told = summary(
            f"http://shop.example:{server.port}/", f"--resolve=shop.example:{server.port}:127.0.0.1"
        )
        assert told["status"] == {"200": 3}
        assert {asked.split(b"\r\n")[1] for asked in server.asked} == {b"Host: shop.example:%d" % server.port}


class Naming(Server):
    """Keeps the addresses that connections come from."""

    def __init__(self) -> None:
        super().__init__(ANSWER)
        self.sources: set[str] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.sources.add(address[0])
        return connection, address


@both_engines
def test_connections_come_from_the_given_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.keeping_server.Server", lambda *_: Naming())
    with serving() as server:
        assert isinstance(server, Naming)
        assert summary(server.url, "--source=127.0.0.2")["status"] == {"200": 3}
        assert server.sources == {"127.0.0.2"}


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("http://h/", ["--insecure"], "--insecure is for an https:// address"),
        ("http://h/", ["--ca=x"], "--ca is for an https:// address"),
        ("https://h/", ["--key=x"], "--key is the key of --cert"),
        ("https://h/", ["--ca=no-such-file"], "no-such-file: No such file"),
        ("https://h/", ["--cert={cert}"], "cannot be used"),
        ("https://h/", ["--ca={key}"], "cannot be used"),
        ("http://h/", ["--resolve=g:80:127.0.0.1"], "it is of g:80, and the requests go to h:80"),
        ("http://h/", ["--resolve=h:127.0.0.1"], "is not written HOST:PORT:ADDRESS"),
        ("http://h/", ["--resolve=h:80:shop.example"], "is not an IP address"),
        ("http://h/", ["--source=192.0.2.1"], "192.0.2.1 is no address of this machine"),
    ],
)
def test_options_that_cannot_be_used_are_one_line_and_exit_2(
    url: str, options: list[str], said: str, certificate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"cert": certificate / "cert.pem", "key": certificate / "key.pem"}
    assert main([url, *(option.format(**files) for option in options)]) == USAGE
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1
