"""A mix against a real server, with both engines: each request is sent, and judged, as it says itself."""

from __future__ import annotations

import asyncio
import csv
import json
import re
import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from loadgen.choice import client_for, engine_of
from loadgen.cli import OK, USAGE, main
from loadgen.mixfile import mix_of
from loadgen.page import Page
from loadgen.plan import Plan
from loadgen.record import Recorder
from loadgen.result import COLUMNS, Answer
from loadgen.run import run
from tests.support.keeping_server import serving as keeping
from tests.support.loadgen_engines import engine_under_test
from tests.support.loadgen_server import serving

pytestmark = pytest.mark.usefixtures("engine")

REQUESTS: list[dict[str, Any]] = [
    {"name": "hello", "weight": 2, "path": "/ok", "expect": {"body_regex": "hello"}},
    {"name": "goodbye", "path": "/ok", "expect": {"body_regex": "goodbye"}},
    {"name": "broken", "path": "/broken", "expect": {"status": 500, "body_regex": "^no$"}},
]


def load(requests: list[dict[str, Any]], out: Path, **options: Any) -> dict[str, Any]:
    async def go() -> dict[str, Any]:
        async with serving() as server:
            mix = mix_of({"requests": requests}, Path(), server.url)
            usual = {
                "rate": 200,
                "duration": 0.5,
                "timeout": 30.0,
                "max_lateness": 60.0,
                "engine": engine_under_test(),
            }
            recorder = Recorder(out)
            summary = await run(
                Plan(server.url, **{**usual, **options}, mix=mix), recorder, lambda _: None, signals=()
            )
            recorder.close()
            return summary

    return asyncio.run(go())


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_request_is_judged_by_its_own_expectation(tmp_path: Path) -> None:
    summary = load(REQUESTS, tmp_path / "requests.csv")

    found = Counter(
        (row["request"], row["status"], row["body_ok"]) for row in rows(tmp_path / "requests.csv")
    )
    assert found == {("hello", "200", "1"): 50, ("goodbye", "200", "0"): 25, ("broken", "500", "1"): 25}
    each = summary["by_request"]
    assert {name: (one["completed"], one["wrong_bodies"]) for name, one in each.items()} == {
        "hello": (50, 0),
        "goodbye": (25, 25),
        "broken": (25, 0),
    }
    assert all(one["latency_ms"]["p50"] > 0 for one in each.values())
    assert summary["wrong_bodies"] == 25


def test_the_page_has_a_row_of_each_request_and_the_summary_does_not_repeat_it(tmp_path: Path) -> None:
    summary = load(REQUESTS, tmp_path / "requests.csv")
    plan = Plan("http://h", 200, 0.5, mix=mix_of({"requests": REQUESTS}, Path(), "http://h"))

    page = Page(plan).text(summary)

    found = re.findall(r"<tr><th>([^<]*)</th>(.*)</tr>", page)
    cells = {
        name: re.findall(r'<td class="n">([^<]*)</td>', row)
        for name, row in found
        if row.count('<td class="n"') == 4 + 6
    }
    assert {name: row[:4] for name, row in cells.items()} == {
        "hello": ["50", "0", "0", "0"],
        "goodbye": ["25", "0", "25", "0"],
        "broken": ["25", "0", "0", "0"],
    }
    assert all(row[-1].endswith(" ms") for row in cells.values())
    assert [name for name, _ in found].count("hello") == 1


def test_a_request_that_was_never_sent_has_its_name_too(tmp_path: Path) -> None:
    requests = [{"name": "a", "path": "/hang"}, {"name": "b", "path": "/hang"}]

    summary = load(requests, tmp_path / "requests.csv", connections=2, timeout=0.4, duration=0.6, rate=100)

    found = Counter((row["request"], row["error"]) for row in rows(tmp_path / "requests.csv"))
    assert sum(found.values()) == summary["scheduled"] == 60
    assert {name for name, error in found if error == "unsent"} == {"a", "b"}
    assert sum(one["errors"] for one in summary["by_request"].values()) == 60


def test_a_run_of_one_request_has_an_empty_name_and_no_summary_of_each(tmp_path: Path) -> None:
    async def go() -> dict[str, Any]:
        async with serving() as server:
            plan = Plan(server.url + "/ok", 100, 0.1, max_lateness=60.0, engine=engine_under_test())
            recorder = Recorder(tmp_path / "requests.csv")
            summary = await run(plan, recorder, lambda _: None, signals=())
            recorder.close()
            return summary

    summary = asyncio.run(go())
    assert "by_request" not in summary
    assert "<h2>Requests</h2>" not in Page(Plan("http://h", 100, 0.1)).text(summary)
    assert COLUMNS[-1] == "request"
    assert {row["request"] for row in rows(tmp_path / "requests.csv")} == {""}


def test_what_is_filled_in_arrives_as_it_was_made() -> None:
    """Headers, bodies, HEAD and other methods in turn on the same connections, byte for byte."""
    requests = [
        {"name": "post", "method": "POST", "path": "/{{n}}", "json": {"n": "{{n}}"}},
        {"name": "head", "method": "HEAD", "path": "/h"},
        {"name": "get", "path": "/g", "query": "n={{n}}", "headers": {"X-N": "{{n}}"}},
    ]
    with keeping() as server:
        values = {"n": {"numbers": [1, 9999], "pick": "random"}}
        mix = mix_of({"requests": requests, "values": values}, Path(), server.url.rstrip("/"))
        plan = Plan(server.url, 1, 1, engine=engine_under_test(), mix=mix)
        sent = list(islice(mix.requests(), 12))

        async def go() -> list[Answer]:
            found = []
            async with client_for(plan) as client:
                for request in sent:
                    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                    deadline = time.monotonic() + 10
                    client.send(deadline, deadline + 10, answer.set_result, request)
                    found.append(await answer)
            return found

        answers = asyncio.run(go())
        assert b"".join(server.asked) == b"".join(request.raw for request in sent)
    assert len({request.kind.name for request in sent}) == 3
    assert all(
        answer.error == "" or request.kind.name == "head"
        for answer, request in zip(answers, sent, strict=True)
    )


def test_the_command_line_sends_what_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "mix.yml").write_text(json.dumps({"requests": REQUESTS}))

    async def go() -> str:
        async with serving() as server:
            words = [server.url, "--requests-file", str(tmp_path / "mix.yml"), "--rate", "100"]
            words += ["--duration", "1s", "--max-lateness", "60s", "--header", "X-Run: 7"]
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "loadgen", *words, stdout=asyncio.subprocess.PIPE
            )
            out, _ = await child.communicate()
            assert child.returncode == OK
            assert {headers["X-Run"] for headers in server.seen} == {"7"}
            return out.decode()

    assert "  goodbye     25 done, 0 errors, 25 wrong; p50 " in asyncio.run(go())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["http://h/x", "--requests-file", "{mix}"], "its paths are in the file: give http://HOST:PORT"),
        (["http://h", "--requests-file", "{mix}", "--method", "GET"], "--method is of one request"),
        (
            ["http://h", "--requests-file", "{mix}", "--expect-status", "200"],
            "--expect-status is of one request",
        ),
        (["http://h", "--requests-file", "{none}"], "none.yml: No such file or directory"),
        (["http://h", "--requests-file", "{bad}"], "bad.yml: requests[0].path: is missing"),
    ],
)
def test_a_mix_that_cannot_be_sent_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    (tmp_path / "mix.yml").write_text(json.dumps({"requests": REQUESTS}))
    (tmp_path / "bad.yml").write_text('{"requests": [{"name": "a"}]}')
    paths = {name: tmp_path / f"{name}.yml" for name in ("mix", "none", "bad")}

    assert main([word.format(**paths) for word in words]) == USAGE

    assert said in capsys.readouterr().err


def test_the_header_expect_of_one_of_several_requests_is_aiohttp_s() -> None:
    requests = [*REQUESTS, {"name": "wait", "path": "/", "headers": {"Expect": "100-continue"}}]
    assert (
        engine_of(Plan("http://h", 1, 1, mix=mix_of({"requests": requests}, Path(), "http://h"))) == "aiohttp"
    )
    assert (
        engine_of(Plan("http://h", 1, 1, mix=mix_of({"requests": REQUESTS}, Path(), "http://h")))
        == "httptools"
    )
