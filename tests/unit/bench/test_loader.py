"""bench/loader: what is said of the clients is what the server saw, and what is true of a stall."""

from __future__ import annotations

import http.client
import time

import numpy as np
import pytest

from bench.loader.clients import QUANTILES
from bench.loader.measures import lateness, truth
from bench.loader.server import BODY, serving


def test_requests_by_the_clock_are_not_late() -> None:
    found = lateness(5.0 + np.arange(800) / 100, 100, 8)
    assert (found.p50, found.p99) == pytest.approx((0.0, 0.0), abs=1e-6)
    assert found.share == 1.0


def test_lateness_is_what_a_request_came_after_its_time_and_the_first_second_is_left_out() -> None:
    due = np.arange(800) / 100
    late = due.copy()
    late[:50] += 0.5
    late[400:425] = 4.25
    found = lateness(np.sort(late), 100, 8)
    assert found.p50 == pytest.approx(0.0, abs=1e-6)
    assert 170 < found.p99 < 190  # the seventh latest of 700


def test_a_client_that_falls_behind_is_later_and_later() -> None:
    slow = np.arange(780) / 97.5
    assert lateness(slow, 100, 8).p99 > 100


def test_of_too_few_arrivals_nothing_is_known() -> None:
    assert lateness(np.arange(150) / 100, 100, 8).p99 == np.inf


def test_what_falls_due_in_a_freeze_waits_until_its_end() -> None:
    waits = np.zeros(30_000)
    waits[20_000:21_000] = 1 - np.arange(1000) / 1000
    slow = 1e3 * np.quantile(waits, [q / 100 for q in QUANTILES])
    assert list(truth(QUANTILES, 30).values()) == pytest.approx(slow.tolist(), abs=2)


def test_the_server_answers_and_knows_when_each_request_came() -> None:
    with serving() as server:
        server.forget()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        before = time.monotonic()
        for _ in range(3):
            connection.request("GET", "/")
            assert connection.getresponse().read() == BODY
        server.freeze(0.5)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
        seen = server.arrivals()
    assert len(seen) == 4
    assert before <= seen[0]
    assert seen[-1] - seen[-2] >= 0.5
