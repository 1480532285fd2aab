"""The client against a server that fails (prometheus_faults.py); test_from_prometheus.py asks a real Prometheus."""

from __future__ import annotations

import json
import math
import socket
from pathlib import Path

import pytest

from pipeline.base.errors import EnvironmentError_, PipelineError, UsageError
from pipeline.series import prometheus
from pipeline.series.prometheus import BudgetError, Prometheus, check_url
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


def test_no_more_is_asked_than_allowed_and_each_page_counts() -> None:
    with faulty(GOOD) as server, Prometheus(server.url, most=4) as client:
        client.query_range("up", 0, 25_000, 1)
        client.query_range("up", 100, 130, 15)
        with pytest.raises(BudgetError, match="has been asked 4 questions, and no more are allowed"):
            client.query_range("up", 100, 130, 15)
    assert client.asked == len(server.seen) == 4


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
        (Answering(302, b"", (("Location", "https://login.example/"),)), UsageError, "redirects to a page to sign in: https://login"),
        (Answering(500, b"oops"), EnvironmentError_, "answered 500, but not as a Prometheus does"),
        (Answering(302, b"", (("Location", "https://new.example/prom/?key=s3cret"),)), UsageError,
         "redirects to https://new.example/prom/"),
        (Answering(200, b"<html><title>Sign in - Corp</title><p>hello</html>"), UsageError,
         "answered with a page to sign in: Sign in - Corp"),
        (Answering(200, b"<html><title>Grafana</title>"), EnvironmentError_,
         "answered 200, but not as a Prometheus does: Grafana"),
        (Answering(401, b"no org id"), UsageError, "wants other credentials (401): no org id"),
        (Answering(403, b'{"message": "tenant b is not yours"}'), UsageError, "(403): tenant b is not yours"),
        (Answering(407, b""), UsageError, "a proxy wants a password (407)"),
        (Answering(502, b"<head><title>502 Bad Gateway</title></head>"), EnvironmentError_,
         "answered 502, but not as a Prometheus does: 502 Bad Gateway"),
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


def test_one_page_that_is_incomplete_makes_the_whole_answer_so() -> None:
    answers = GOOD, matrix(isPartial=True, warnings=["a store did not answer"]), GOOD
    with faulty(*answers) as server, Prometheus(server.url) as client:
        found = client.query_range("up", 0, 25_000, 1)
    assert found.incomplete == ('"isPartial": true', "a store did not answer")


@pytest.mark.parametrize("status", [403, 405, 501])
def test_who_may_not_post_asks_by_get_and_goes_on_so(status: int) -> None:
    with faulty(GOOD, no_post=Answering(status, b"no")) as server, Prometheus(server.url) as client:
        for _ in range(2):
            assert len(client.query_range('up{a="b&c"}', 100, 130, 15).series) == 1
    assert [form["query"] for _, form in server.seen] == ['up{a="b&c"}'] * 3  # one POST, two GET


def test_where_neither_post_nor_get_is_allowed_the_more_telling_refusal_is_told() -> None:
    refused = Answering(405, b"Method Not Allowed")
    cases = (
        (refused, Answering(403, b"tenant b is not yours"), UsageError, "tenant b is not yours"),
        (Answering(403, b"ask the owner"), refused, UsageError, "ask the owner"),
        (
            refused,
            refused,
            EnvironmentError_,
            "answered 405, but not as a Prometheus does: Method Not Allowed",
        ),
    )
    for post, get, kind, words in cases:
        with faulty(get, no_post=post) as server, Prometheus(server.url) as client:
            with pytest.raises(kind) as caught:
                client.query_range("up", 0, 1, 1)
            assert words in caught.value.message


def test_no_key_in_the_address_of_a_page_to_sign_in_is_told() -> None:
    to = "https://sso.example/authorize?client=a&state=s3cret#s3cret"
    with (
        faulty(Answering(307, b"", (("Location", to),))) as server,
        Prometheus(server.url) as client,
        pytest.raises(UsageError, match=r"a page to sign in: https://sso\.example/authorize") as caught,
    ):
        client.query_range("up", 0, 1, 1)
    assert SECRET not in f"{caught.value.message}{caught.value.hint}"


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
