"""What only the canary logs: kinds of line, counted, with the place in its code."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pipeline.runs.logs import fold, new_lines, save_log

NODE = (
    "TypeError: src.replace is not a function",
    "    at __Lexer.lex (/srv/canary/releases/a7474e4/node_modules/marked/lib/marked.cjs:1155:19)",
    "    at preview (/srv/canary/releases/a7474e4/preview.js:71:25)",
    "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
)
PYTHON = (
    "Traceback (most recent call last):",
    '  File "/usr/lib/python3.11/socketserver.py", line 691, in process_request_thread',
    "    self.finish_request(request, client_address)",
    '  File "/srv/canary/releases/1f/server.py", line 12, in do_GET',
    "    return slug(text)",
    "           ^^^^^^^^^^",
    "ValueError: not a slug: 'x'",
)
JAVA = (
    "java.lang.IllegalStateException: no session 4711",
    "\tat org.example.Store.find(Store.java:40)",
    "\tat java.base/java.lang.Thread.run(Thread.java:840)",
)
UNCAUGHT = (
    "/srv/canary/releases/46/index.js:58",
    "if (!process.env.TEMPLATES) throw new Error('TEMPLATES is not set');",
    "                            ^",
    "",
    "Error: TEMPLATES is not set",
    "    at Object.<anonymous> (/srv/canary/releases/46/index.js:58:43)",
)


def journal(*lines: str, host: str = "green", second: int = 0) -> str:
    return "".join(
        f"2026-11-30T09:52:{second + i:02}+0000 {host} node[{892 + i}]: {line}\n"
        for i, line in enumerate(lines)
    )


def run(tmp_path: Path, baseline: str, canary: str) -> Path:
    (tmp_path / "logs").mkdir(exist_ok=True)
    (tmp_path / "logs" / "blue.log").write_text(baseline)
    with gzip.open(tmp_path / "logs" / "green.log.gz", "wt") as file:
        file.write(canary)
    return tmp_path


@pytest.mark.parametrize(
    ("lines", "text", "where"),
    [
        (NODE, "TypeError: src.replace is not a function", "preview.js:71"),
        (PYTHON, "ValueError: not a slug: 'x'", "server.py:12"),
        (JAVA, "java.lang.IllegalStateException: no session 4711", "Store.java:40"),
        (UNCAUGHT, "Error: TEMPLATES is not set", "index.js:58"),
    ],
    ids=["node", "python", "java", "uncaught"],
)
def test_an_exception_is_one_line_with_the_place_in_the_services_own_code(
    tmp_path: Path, lines: tuple[str, ...], text: str, where: str
) -> None:
    found = new_lines(run(tmp_path, journal("listening", host="blue"), journal("listening", *lines, *lines)))
    assert [(line.text, line.where, line.count, line.wrong) for line in found if line.text == text] == [
        (text, where, 2, True)
    ]
    assert len(found) <= 2, "frames and quoted code are no lines of their own"


def test_what_both_versions_log_is_not_told_whatever_its_numbers(tmp_path: Path) -> None:
    baseline = journal("GET /users/42 took 12.5 ms", "session 9f3a2b77c1 opened", host="blue")
    canary = journal("GET /users/7 took 3 ms", "session 0e11aa92bd opened", "session 0e11aa92bd LOST")
    assert [line.text for line in new_lines(run(tmp_path, baseline, canary))] == ["session 0e11aa92bd LOST"]


def test_errors_come_first_then_the_most_frequent_and_a_handful_in_all(tmp_path: Path) -> None:
    chatter = [f"phase {name} reached" for name in ("a", "b", "c", "d", "e", "f")]
    found = new_lines(
        run(
            tmp_path,
            journal("x", host="blue"),
            journal("cache is cold", "cache is cold", *chatter, "Error: no"),
        )
    )
    assert [line.text for line in found[:2]] == ["Error: no", "cache is cold"]
    assert len(found) == 5


def test_the_first_moment_is_that_of_the_hosts_clock(tmp_path: Path) -> None:
    (line,) = new_lines(run(tmp_path, "", journal("Error: late", "Error: late", second=30)))
    assert (line.first, line.count) == ("09:52:30", 2)


def test_of_systemd_only_that_a_service_ended_is_told(tmp_path: Path) -> None:
    said = "".join(
        f"2026-11-30T09:53:30+0000 green systemd[1]: canary.service: {text}\n"
        for text in (
            "Main process exited, code=exited, status=1/FAILURE",
            "Failed with result 'exit-code'.",
            "Scheduled restart job, restart counter is at 2.",
        )
    )
    assert [line.text for line in new_lines(run(tmp_path, "", said))] == [
        "canary.service: Main process exited, code=exited, status=1/FAILURE"
    ]


def test_without_one_of_the_logs_nothing_is_claimed(tmp_path: Path) -> None:
    path = run(tmp_path, "", journal("Error: no"))
    (path / "logs" / "blue.log").unlink()
    assert new_lines(path) == ()
    assert new_lines(tmp_path / "none") == ()


def test_a_log_that_is_broken_or_hostile_is_no_error(tmp_path: Path) -> None:
    path = run(tmp_path, "", journal("Error: \x1b[31mred\x1b]0;t\x07 \u202egnp"))
    (line,) = new_lines(path)
    assert line.text == "Error: red gnp"
    (path / "logs" / "green.log.gz").write_bytes(b"\x1f\x8bnot gzip")
    assert new_lines(path) == ()


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("took 12 ms", "took 9 ms"),
        ("id 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "id 6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("token eyJhbGciOiJIUzI1NiJ9x", "token abcDEF0123456789zzz"),
    ],
)
def test_lines_that_differ_in_numbers_and_identifiers_are_of_one_kind(a: str, b: str) -> None:
    assert fold(a) == fold(b) != a


def test_a_long_log_is_compressed_and_found_again(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    save_log(tmp_path, "blue", "short\n")
    save_log(tmp_path, "green", journal(*["Error: long"] * 30_000))
    assert [path.name for path in sorted((tmp_path / "logs").iterdir())] == ["blue.log", "green.log.gz"]
    (line,) = new_lines(tmp_path)
    assert (line.text, line.count) == ("Error: long", 30_000)
