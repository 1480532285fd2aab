"""HAProxy's counts against the loader's, and how it is told where the traffic goes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pipeline.base.errors import HostError
from pipeline.canary import proxy as proxy_module
from pipeline.canary.proxy import Proxy, difference, reconcile
from pipeline.inventory.hosts import Host
from pipeline.remote.ssh import Connection
from tests.support.fake_haproxy import FakeProxy


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


def test_a_split_sets_the_share_first_and_reads_both_back() -> None:
    haproxy = FakeProxy()
    asyncio.run(haproxy.proxy.split(0.1))
    assert haproxy.said == [
        "set map /etc/haproxy/share.map green 100000",
        "show map /etc/haproxy/share.map",
        "set map /etc/haproxy/active.map active both",
        "show map /etc/haproxy/active.map",
    ]


@pytest.mark.parametrize(
    ("stuck", "words"),
    [
        ("green", "HAProxy gives green 0 of 1,000,000 requests, not 500000"),
        ("active", "HAProxy stayed on blue when told to switch to both"),
    ],
)
def test_a_split_that_haproxy_did_not_make_is_an_error(stuck: str, words: str) -> None:
    haproxy = FakeProxy(stuck)
    with pytest.raises(HostError, match=words):
        asyncio.run(haproxy.proxy.split(0.5))


@pytest.mark.parametrize("colour", ["blue", "green"])
def test_a_switch_ends_a_split_in_one_step(colour: str) -> None:
    """So `promote` and `rollback` mend a proxy that a killed run left on both."""
    haproxy = FakeProxy()
    asyncio.run(haproxy.proxy.split(0.5))
    haproxy.said.clear()
    asyncio.run(haproxy.proxy.switch(colour))
    assert haproxy.said[0] == f"set map /etc/haproxy/active.map active {colour}"
    assert asyncio.run(haproxy.proxy.active()) == colour


def test_a_proxy_without_the_map_of_shares_says_so() -> None:
    haproxy = FakeProxy()
    del haproxy.maps["/etc/haproxy/share.map"]
    with pytest.raises(
        HostError, match=r"HAProxy refused 'green 500000' in /etc/haproxy/share\.map: Unknown map"
    ):
        asyncio.run(haproxy.proxy.split(0.5))


def test_a_route_with_a_semicolon_does_not_end_the_command() -> None:
    haproxy = FakeProxy()
    asyncio.run(haproxy.proxy.route("blue", "/a;b=c"))
    assert haproxy.said[0] == r"set map /etc/haproxy/routes.map blue /a\;b=c"
    assert haproxy.maps["/etc/haproxy/routes.map"]["blue"] == "/a;b=c"


def test_a_route_that_haproxy_did_not_take_is_an_error() -> None:
    with pytest.raises(HostError, match="has the route /preview for blue"):
        asyncio.run(FakeProxy(stuck="blue").proxy.route("blue", "/a"))


class Alive(Connection):
    """A connection whose forwards are sockets of the test."""

    alive = True


def test_an_haproxy_that_cannot_be_asked_because_ssh_is_lost_is_not_called_silent(tmp_path: Path) -> None:
    connection = Connection(Host("proxy", "10.0.0.1", 22, "vagrant", None), tmp_path, tmp_path)
    with pytest.raises(HostError, match=r"^proxy: the SSH connection is lost, over which HAProxy is asked$"):
        asyncio.run(Proxy(connection).active())


@pytest.mark.parametrize(
    ("answers", "reason"), [(True, "connection closed"), (False, "no answer in time")], ids=["ends", "silent"]
)
def test_an_haproxy_that_does_not_answer_is_told_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: bool, reason: str
) -> None:
    monkeypatch.setattr(proxy_module, "_ANSWER_SECONDS", 0.5)
    connection = Alive(Host("proxy", "10.0.0.1", 22, "vagrant", None), tmp_path, tmp_path)

    async def ask() -> None:
        done = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            if not answers:
                await done.wait()
            writer.close()

        async with await asyncio.start_unix_server(serve, connection.socket("runtime")):
            try:
                await Proxy(connection).active()
            finally:
                done.set()

    with pytest.raises(HostError, match=f"proxy: HAProxy's runtime API does not answer: {reason}$"):
        asyncio.run(ask())
