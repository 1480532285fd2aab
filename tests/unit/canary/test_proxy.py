"""HAProxy's counts against the loader's."""

from __future__ import annotations

from pipeline.canary.proxy import difference, reconcile


def test_books_that_agree_have_no_mismatch() -> None:
    result = reconcile({"blue": {"req_tot": 100}, "green": {"req_tot": 50}}, {"blue": 100, "green": 50}, 0)
    assert result["mismatches"] == []


def test_a_request_that_the_loader_never_saw_answered_may_be_on_either_side() -> None:
    assert reconcile({"blue": {"req_tot": 101}}, {"blue": 100}, 1)["mismatches"] == []


def test_requests_that_somebody_else_sent_are_a_mismatch() -> None:
    (mismatch,) = reconcile({"blue": {"req_tot": 120}}, {"blue": 100}, 3)["mismatches"]
    assert mismatch.startswith("blue: HAProxy counted 120 requests, the loader 100")


def test_responses_that_haproxy_never_counted_are_a_mismatch() -> None:
    assert reconcile({"blue": {"req_tot": 99}}, {"blue": 100}, 0)["mismatches"]


def test_only_what_grew_during_the_run_counts() -> None:
    grown = difference({"blue": {"req_tot": 7}}, {"blue": {"req_tot": 10}, "green": {"req_tot": 4}})
    assert grown == {"blue": {"req_tot": 3}, "green": {"req_tot": 4}}
