"""`--processes`: a run that several processes send to a real server, and what becomes of it without one of them."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from loadgen.child import command
from loadgen.cli import INTERRUPTED, INVALID, OK, USAGE, main
from loadgen.plan import Plan
from loadgen.shard import HEADER, Failed, Order, Ready, frame, opened
from tests.support.divided_load import children, gone, load, rows

TWO = "--processes=2"


@pytest.mark.usefixtures("engine")
def test_two_processes_send_what_one_does_and_each_row_of_it_is_kept(tmp_path: Path) -> None:
    options = ("--stage=1s@10..50", "--stage=500ms@50", "--arrivals=poisson", "--seed=7")
    kept = {}
    for count in (1, 2):
        out = tmp_path / f"{count}.csv"
        ended = load(*options, f"--processes={count}", f"--requests-out={out}")
        assert (ended.code, ended.errors) == (OK, "")
        kept[count] = sorted(row["t"] for row in rows(out))
        assert len(kept[count]) == ended.summary["completed"] == len(ended.asked)
    assert kept[1] == kept[2]
    assert len(kept[1]) > 30
    assert [shard["sent"] for shard in ended.summary["shards"]] == [
        (len(kept[2]) + 1) // 2,
        len(kept[2]) // 2,
    ]


def test_two_processes_send_each_request_of_a_mix_once(tmp_path: Path) -> None:
    mix = tmp_path / "mix.yml"
    mix.write_text("values: {n: {numbers: [0, 59]}}\nrequests:\n  - {name: numbered, path: '/{{n}}'}\n")
    ended = load(f"--requests-file={mix}", "--rate=60", "--duration=1s", TWO)
    assert (ended.code, ended.errors) == (OK, "")
    assert sorted(ended.asked) == sorted(f"/{number}" for number in range(60))
    assert ended.summary["by_request"]["numbered"]["completed"] == 60


def test_a_sequence_of_steps_stays_with_one_process(tmp_path: Path) -> None:
    mix = tmp_path / "mix.yml"
    capture = "capture: {word: {regex: '(hel+o)'}}"
    steps = f"[{{name: first, path: /first, {capture}}}, {{name: second, path: '/{{{{word}}}}'}}]"
    mix.write_text(f"requests:\n  - steps: {steps}\n")
    ended = load(f"--requests-file={mix}", "--rate=40", "--duration=1s", TWO)
    assert (ended.code, ended.errors) == (OK, "")
    assert sorted(ended.asked) == ["/first"] * 40 + ["/hello"] * 40
    assert {name: each["completed"] for name, each in ended.summary["by_request"].items()} == {
        "first": 40,
        "second": 40,
    }


def test_every_second_adds_up_to_the_summary_and_every_output_has_every_request(tmp_path: Path) -> None:
    outputs = {name: tmp_path / name for name in ("requests", "hist", "k6", "vegeta", "json", "html")}
    ended = load(
        *("--rate=40", "--duration=2.5s", TWO), *(f"--{name}-out={path}" for name, path in outputs.items())
    )
    seconds = [event for event in ended.events if event["event"] == "second"]
    assert ended.code == OK
    assert len(seconds) >= 2
    for key in ("scheduled", "sent", "completed", "errors"):
        assert sum(second[key] for second in seconds) == ended.summary[key]
    assert ended.summary["completed"] == 100
    assert len(rows(outputs["requests"])) == len(outputs["vegeta"].read_text().splitlines()) == 100
    assert sum(row["metric_name"] == "http_reqs" for row in rows(outputs["k6"])) == 100
    assert "Tag=blue" in outputs["hist"].read_text()
    assert '"name": "shard 2 of 2' in outputs["json"].read_text()
    assert "<html" in outputs["html"].read_text()


def test_users_and_their_connections_are_divided() -> None:
    ended = load("--users=5", "--think=200ms", "--duration=1s", TWO)
    first, second = ended.summary["shards"]
    assert ended.code == OK
    assert ended.summary["arrivals"].startswith("closed: 5 users")
    assert first["sent"] > second["sent"] > 0
    assert first["sent"] + second["sent"] == len(ended.asked)


def test_a_process_that_is_killed_is_named_with_what_was_not_sent(tmp_path: Path) -> None:
    out = tmp_path / "requests.csv"
    killed: list[int] = []

    def act(loader: int, event: dict[str, Any]) -> None:
        if event["event"] == "second" and not killed:
            killed.append(children(loader)[1])
            os.kill(killed[0], signal.SIGKILL)

    ended = load("--rate=40", "--duration=5s", TWO, f"--requests-out={out}", act=act)
    assert ended.code == INVALID
    lost, name = ended.summary["shards"][1], f"shard 2 of 2 (process {killed[0]})"
    heard = int(lost["heard_s"])
    assert 1 <= heard < 5
    begins = f"{name} was lost (SIGKILL ended it): of it second"
    assert ended.summary["reason"].startswith(begins)
    assert ended.summary["reason"].endswith(" of its 100 requests")
    assert f"{f's {heard + 1} to 5 are' if heard < 4 else ' 5 is'} missing" in ended.summary["reason"]
    assert lost["lost"] == ended.summary["reason"]
    assert ended.summary["shards"][0]["sent"] == 100
    # What was on the wire when it was heard last is missing, too.
    assert 100 < ended.summary["completed"] == len(rows(out)) <= 100 + lost["scheduled"]


def test_a_process_that_was_stopped_for_a_while_makes_the_run_invalid_and_is_named() -> None:
    stopped: list[int] = []
    seconds = itertools.count()

    def act(loader: int, event: dict[str, Any]) -> None:
        if event["event"] != "second":
            return
        second = next(seconds)
        if second == 0:
            stopped.append(children(loader)[0])
            os.kill(stopped[0], signal.SIGSTOP)
        elif second == 2:
            os.kill(stopped[0], signal.SIGCONT)

    ended = load("--rate=20", "--duration=5s", "--max-lateness=1s", TWO, act=act)
    assert ended.code == INVALID
    assert ended.summary["reason"].startswith(f"shard 1 of 2 (process {stopped[0]}): the loader was late")
    assert "shard 2 of 2" not in ended.summary["reason"]
    assert ended.summary["sent"] == 100


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_and_keeps_what_was_measured(number: signal.Signals) -> None:
    processes: list[int] = []

    def act(loader: int, event: dict[str, Any]) -> None:
        if event["event"] == "second" and not processes:
            processes.extend(children(loader))
            for process in (*processes, loader) if number == signal.SIGINT else (loader,):
                os.kill(process, number)  # Ctrl-C on a terminal reaches all of them

    ended = load("--rate=40", "--duration=1h", TWO, act=act)
    summary = ended.summary
    assert (ended.code, ended.errors, summary["interrupted"]) == (INTERRUPTED, "", True)
    assert [shard["lost"] for shard in summary["shards"]] == [None, None]
    assert summary["completed"] + summary["abandoned"] == summary["scheduled"] >= 40
    assert all(gone(process) for process in processes)


def test_the_processes_die_with_the_one_that_started_them() -> None:
    processes: list[int] = []

    def act(loader: int, event: dict[str, Any]) -> None:
        if event["event"] == "second" and not processes:
            processes.extend(children(loader))
            os.kill(loader, signal.SIGKILL)

    assert load("--rate=40", "--duration=1h", TWO, act=act).code == -signal.SIGKILL
    end = time.monotonic() + 20
    while not all(gone(process) for process in processes) and time.monotonic() < end:
        time.sleep(0.05)
    assert [gone(process) for process in processes] == [True, True]


def test_a_shard_that_hears_of_the_start_too_late_sends_nothing() -> None:
    (plan,) = Plan("http://127.0.0.1:9/", 50, 5).divided(1)
    child = subprocess.run(
        command(),
        input=frame(Order(plan, first=False, rows=False)) + frame(time.time() - 3),
        capture_output=True,
        check=True,
    )
    said, messages = child.stdout, []
    while said:
        (size,) = HEADER.unpack(said[: HEADER.size])
        messages.append(opened(said[HEADER.size : HEADER.size + size]))
        said = said[HEADER.size + size :]
    assert [type(message) for message in messages] == [Ready, Failed]
    assert "after it" in str(messages[1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--processes=3", "--connections=2"], "--processes 3 and 2 connections"),
        (["--processes=3", "--users=2"], "--processes 3 and 2 users"),
        (["--processes=0"], "not in the range"),
    ],
)
def test_what_cannot_be_divided_is_a_usage_error(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["http://127.0.0.1:9/", *options]) == USAGE
    assert said in capsys.readouterr().err


def test_a_person_reads_how_many_there_were() -> None:
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "loadgen",
            "http://127.0.0.1:9/",
            "--duration=500ms",
            "--rate=20",
            "--max-lateness=60s",
            TWO,
            "--quiet",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "shards        2\n" in ended.stdout
    assert "connect: 10" in ended.stdout
