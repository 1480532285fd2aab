"""The client against a server that fails (prometheus_faults.py); test_from_prometheus.py asks a real Prometheus."""

from __future__ import annotations

import json
import math
import socket
from pathlib import Path

import pytest

from pipeline.base.errors import EnvironmentError_, PipelineError, UsageError
from pipeline.series import prometheus
from pipeline.series.prometheus import Prometheus, check_url
from tests.support.prometheus_faults import GOOD, Answering, faulty, matrix

SECRET = "s3cret"


def _error(status: int, message: str, **headers: str) -> Answering:
    body = json.dumps({"status": "error", "errorType": "any", "error": message}).encode()
    return Answering(status, body, tuple((name.replace("_", "-"), value) for name, value in headers.items()))


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited between two requests, without waiting."""
    slept: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", slept.append)
    return slept


def test_samples_come_with_their_labels_and_what_is_no_number_is_nan() -> None:
    with faulty(GOOD) as server, Prometheus(server.url) as client:
        (found,) = client.query_range("up", 100, 130, 15).series
    assert dict(found.labels) == {"pod": "a"}
    assert found.t.tolist() == [100, 115, 130]
    assert found.value[[0, 2]].tolist() == [1, 2.5]
    assert math.isnan(found.value[1])
    assert server.seen[0][1] == {"query": "up", "start": "100.000", "end": "130.000", "step": "15.000"}


def test_a_long_range_is_asked_in_pages_that_neither_overlap_nor_leave_a_gap() -> None:
    with faulty(GOOD) as server, Prometheus(server.url) as client:
        client.query_range("up", 0, 25_000, 1)
    asked = [(float(form["start"]), float(form["end"])) for _, form in server.seen]
    assert asked == [(0, 10_999), (11_000, 21_999), (22_000, 25_000)]


def test_a_server_that_asks_to_come_later_is_asked_again_after_that_long(naps: list[float]) -> None:
    answers = _error(429, "slow down", Retry_After="7"), _error(503, "starting"), GOOD
    with faulty(*answers) as server, Prometheus(server.url) as client:
        assert len(client.query_range("up", 100, 130, 15).series) == 1
    assert len(server.seen) == 3
    assert naps[0] == 7


def test_a_server_that_is_never_ready_ends_with_what_it_said_and_no_wait_is_endless(
    naps: list[float],
) -> None:
    with (
        faulty(_error(503, "out of memory", Retry_After="86400")) as server,
        Prometheus(server.url) as client,
        pytest.raises(EnvironmentError_, match="answered 503: out of memory"),
    ):
        client.query_range("up", 0, 1, 1)
    assert len(server.seen) == 5
    assert max(naps) == 30


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (_error(400, "1:4: parse error\x1b[31m"), UsageError, "refuses the query up: 1:4: parse error"),
        (_error(422, "found duplicate series"), UsageError, "refuses the query up: found duplicate series"),
        (Answering(401, b"Unauthorized"), UsageError, "wants other credentials (401)"),
        (Answering(403, b"no"), UsageError, "does not allow this query (403)"),
        (Answering(404, b"404 page not found"), UsageError, "has no query API here (404)"),
        (Answering(302, b"", (("Location", "https://login.example/"),)), UsageError, "redirects to https://login"),
        (Answering(500, b"oops"), EnvironmentError_, "answered 500, but not as a Prometheus does"),
        (Answering(200, b"<html>sign in</html>"), EnvironmentError_, "answered 200, but not as a Prometheus does"),
        (Answering(200, b'{"status": "succ'), EnvironmentError_, "not as a Prometheus does"),
        (Answering(200, b"[" * 100_000), EnvironmentError_, "not as a Prometheus does"),
        (Answering(200, b'{"status": "success"}'), EnvironmentError_, "series that are not as Prometheus' are"),
        (Answering(200, b"this is not gzip", (("Content-Encoding", "gzip"),)), EnvironmentError_, "cannot be asked"),
        (matrix({"metric": {}, "values": [[1, "many"]]}), EnvironmentError_, "series that are not"),
        (matrix({"metric": {}, "values": [[1, "2", "3"]]}), EnvironmentError_, "series that are not"),
        (matrix({"metric": {}, "histograms": []}), UsageError, "native histograms"),
    ],
)  # fmt: skip
def test_what_is_not_an_answer_is_told_in_one_line(
    answer: Answering, kind: type[PipelineError], words: str
) -> None:
    with faulty(answer) as server, Prometheus(server.url) as client, pytest.raises(kind) as caught:
        client.query_range("up", 0, 1, 1)
    assert words in caught.value.message
    assert caught.value.message.isprintable()


def test_a_server_that_is_not_there_is_told_at_once(naps: list[float]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with Prometheus(url) as client, pytest.raises(EnvironmentError_, match="connection refused"):
            client.query_range("up", 0, 1, 1)
    assert naps == []


def test_a_missing_authority_and_a_server_without_tls_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        Prometheus("https://prometheus.example", ca=tmp_path / "none.pem")
    with (
        faulty(GOOD) as server,
        Prometheus(server.url.replace("http:", "https:")) as client,
        pytest.raises(EnvironmentError_, match="TLS does not work"),
    ):
        client.query_range("up", 0, 1, 1)


def test_an_answer_too_large_to_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "LARGEST", 50)
    with (
        faulty(GOOD) as server,
        Prometheus(server.url) as client,
        pytest.raises(UsageError, match="larger than 50 bytes"),
    ):
        client.query_range("up", 0, 1, 1)


def test_what_the_server_warns_of_is_kept() -> None:
    with faulty(matrix(warnings=["a store did not answer"])) as server, Prometheus(server.url) as client:
        assert client.query_range("up", 0, 1, 1).warnings == ("a store did not answer",)


@pytest.mark.parametrize(
    "url",
    [
        "prometheus:9090",
        "ftp://host",
        "http://",
        "http://[",
        "http://host:x",
        f"http://me:{SECRET}@host",
        "http://host/?a=b",
        "http://host/#a",
        "",
    ],
)
def test_an_address_that_is_none_or_holds_a_password_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_url(url)
    assert SECRET not in caught.value.message


def test_an_address_may_have_a_path() -> None:
    assert check_url("https://example.org/prometheus/") == "https://example.org/prometheus"
