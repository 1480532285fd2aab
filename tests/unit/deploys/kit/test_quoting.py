"""Words of a profile in a shell script, an environment file, a unit and haproxy.cfg: exactly themselves, or refused."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from pyinfra.api.exceptions import DeployError

from deploys.kit.quoting import (
    environment_file,
    haproxy_address,
    haproxy_path,
    haproxy_word,
    install_script,
    systemd_command,
)

AWKWARD = ["a b", "$HOME", "`id`", '"', "'", "\\", "100%", "%n", ";", "ä", ""]


def test_an_environment_file_gives_a_shell_exactly_its_values(tmp_path: Path) -> None:
    values = {f"V{index}": text for index, text in enumerate(AWKWARD)}
    path = tmp_path / "environment"
    path.write_text(environment_file(values))
    script = f"set -a; . {shlex.quote(str(path))}; exec env -0"
    out = subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout.decode()
    assert values.items() <= dict(line.split("=", 1) for line in out.split("\0") if line).items()


def test_an_install_script_passes_words_on_as_they_are_and_stops_at_the_first_failure(tmp_path: Path) -> None:
    (tmp_path / "env").touch()
    commands = [["printf", "%s\\n", *AWKWARD], ["false"], ["echo", "not reached"]]
    script = install_script(commands, str(tmp_path), str(tmp_path / "env"))
    done = subprocess.run(["sh", "-s"], input=script, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert lines[1 : len(AWKWARD) + 1] == AWKWARD
    assert lines[-1] == "+ false"


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["node", "app.js"], '"node" "app.js"'),
        (["./run.sh"], '"/srv/x/run.sh"'),
        (["/usr/bin/python3", "-c", "x"], '"/usr/bin/python3" "-c" "x"'),
        (["node", "100%", "$A", 'q"', "\\"], r'"node" "100%%" "$$A" "q\"" "\\"'),
    ],
)
def test_a_start_command_is_written_as_systemd_reads_it(argv: list[str], expected: str) -> None:
    assert systemd_command(argv, "/srv/x") == expected


@pytest.mark.parametrize(
    "bad",
    [
        lambda: systemd_command([], "/srv/x"),
        lambda: systemd_command(["-/bin/sh"], "/srv/x"),
        lambda: systemd_command(["$SHELL"], "/srv/x"),
        lambda: environment_file({"A B": "x"}),
        lambda: environment_file({"A": "x\nUSER=root"}),
        lambda: install_script([[]], "/srv/x", "/env"),
        lambda: haproxy_address("10.0.0.1", "blue"),
        lambda: haproxy_address("10.0.0.1:99999", "blue"),
        lambda: haproxy_address("a:1\n    server x", "blue"),
        lambda: haproxy_path("preview"),
        lambda: haproxy_path("/a b"),
        lambda: haproxy_path("/a%2"),
        lambda: haproxy_path('/a"\n'),
    ],
)
def test_what_cannot_be_written_safely_is_refused(bad: object) -> None:
    with pytest.raises(DeployError):
        bad()  # type: ignore[operator] # each is a call to be tried; their types differ


def test_a_path_may_hold_all_that_rfc_3986_allows_and_is_one_word_of_the_configuration() -> None:
    path = "/v1/half:predict/@me/a%20b;c='d'/$HOME(e),f&g*h+i!j~"
    assert haproxy_path(path) == path
    # HAProxy's quotes are the shell's (its configuration manual, 2.2).
    assert shlex.split(haproxy_word(path)) == [path]
