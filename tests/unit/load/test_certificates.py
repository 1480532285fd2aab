"""Certificates of a run: whose they are, and that those of another run are worth nothing."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from pipeline.load.certificates import Authority, Certificate


def context(
    directory: Path, authority: Authority, own: Certificate | None, *, server: bool
) -> ssl.SSLContext:
    """One end of a connection as Dask makes it: the other one must show a certificate; no names are compared."""
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    found.check_hostname = False
    found.verify_mode = ssl.CERT_REQUIRED
    found.load_verify_locations(cadata=authority.pem)
    if own is not None:
        path = directory / "own.pem"
        path.write_text(own.cert + own.key)
        found.load_cert_chain(path)
    return found


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """Raises ssl.SSLError where one of the two refuses the other."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [server.wrap_bio(up, down, server_side=True), client.wrap_bio(down, up)]
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


def test_both_ends_of_one_run_trust_each_other(tmp_path: Path) -> None:
    run = Authority()
    server = context(tmp_path, run, run.certificate("scheduler"), server=True)
    shake_hands(server, context(tmp_path, run, run.certificate("load1"), server=False))


def test_a_certificate_of_another_run_and_none_at_all_are_refused(tmp_path: Path) -> None:
    run, other = Authority(), Authority()
    server = context(tmp_path, run, run.certificate("scheduler"), server=True)
    for own in (other.certificate("load1"), None):
        with pytest.raises(ssl.SSLError):
            shake_hands(server, context(tmp_path, run, own, server=False))


def test_a_host_does_not_take_another_runs_scheduler(tmp_path: Path) -> None:
    run, other = Authority(), Authority()
    impostor = context(tmp_path, run, other.certificate("scheduler"), server=True)
    with pytest.raises(ssl.SSLError, match=r"self-signed|verify failed"):
        shake_hands(impostor, context(tmp_path, run, run.certificate("load1"), server=False))


def test_a_key_is_not_in_what_is_printed_of_a_certificate() -> None:
    found = Authority().certificate(
        "a name of more than sixty-four characters, which is more than X.509 takes"
    )
    assert "PRIVATE KEY" in found.key
    assert repr(found) == "Certificate(...)"
