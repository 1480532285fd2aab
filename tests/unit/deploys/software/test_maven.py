"""What a run of Maven tells while it lasts, and what it says where it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploys.software import maven

# The first two are of the real iTrust2, v4 and v8, shortened.
FORMATS = {
    "compiler": (
        [
            "[INFO] Scanning for projects...",
            "[WARNING] bootstrap class path not set in conjunction with -source 8",
            "[INFO] -------------------------------------------------------------",
            "[ERROR] COMPILATION ERROR : ",
            "[INFO] -------------------------------------------------------------",
            "[ERROR] /b/iTrust2/src/java/SecurityConfig.java:[60,43] cannot access encoding.PasswordEncoder",
            "  class file for encoding.PasswordEncoder not found",
            "[INFO] 1 error",
            "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.7.0:compile on project",
            "[ERROR] /b/iTrust2/src/java/SecurityConfig.java:[60,43] cannot access encoding.PasswordEncoder",
            "[ERROR] -> [Help 1]",
        ],
        "SecurityConfig.java:60: cannot access encoding.PasswordEncoder",
    ),
    "a parent that is not there": (
        [
            "[ERROR] [ERROR] Some problems were encountered while processing the POMs:",
            "[FATAL] Non-resolvable parent POM for edu.ncsu.csc:iTrust2:0.0.1-SNAPSHOT: Could not transfer artifact",
            " @ ",
            "[ERROR] The build could not read 1 project -> [Help 1]",
            "[ERROR]   ",
            "[ERROR]   The project edu.ncsu.csc:iTrust2:0.0.1-SNAPSHOT (/b/iTrust2/pom.xml) has 1 error",
        ],
        "Non-resolvable parent POM for edu.ncsu.csc:iTrust2:0.0.1-SNAPSHOT: Could not transfer artifact",
    ),
    "a thread's name": (
        [
            "[ERROR] Thread[Exec Default Executor,5,main]",
            "[ERROR] Exception in thread main",
            "[ERROR] Failed to execute goal on project iTrust2: Could not resolve dependencies -> [Help 1]",
            "[ERROR] ",
            "[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.",
        ],
        "Failed to execute goal on project iTrust2: Could not resolve dependencies",
    ),
    "no Java": (
        [
            "The JAVA_HOME environment variable is not defined correctly,",
            "this variable is needed to run.",
            "",
        ],
        "this variable is needed to run.",
    ),
    "nothing": ([], "it ended without a word"),
}


@pytest.mark.parametrize(("lines", "reason"), FORMATS.values(), ids=FORMATS)
def test_the_reason_is_the_first_line_that_is_one(lines: list[str], reason: str) -> None:
    assert maven.complaint(lines) == reason


def _maven(directory: Path, text: str) -> list[str]:
    program = directory / "mvn"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return [str(program), "package"]


def test_what_it_is_at_is_told_when_it_begins(tmp_path: Path) -> None:
    said: list[str] = []
    text = "echo '[INFO] Building iTrust2 0.0.1'; sleep 1; echo '[INFO] --- compiler:3.11:compile (x) @ iTrust2 ---'"
    maven.package(_maven(tmp_path, f"{text}; sleep 1"), log=tmp_path / "log", tell=said.append, seconds=30)
    assert said[0].startswith("Maven: iTrust2, ")
    assert any(line.startswith("Maven: iTrust2, compiler:compile, ") for line in said)
    assert "Building iTrust2" in (tmp_path / "log").read_text()


def test_a_build_that_takes_too_long_is_ended_and_says_where_it_was(tmp_path: Path) -> None:
    command = _maven(
        tmp_path, f"echo $$ >{tmp_path}/pid; echo '[INFO] Building iTrust2 0.0.1'; exec sleep 60"
    )
    with pytest.raises(maven.MavenError, match=r"not done after 1 s \(Maven: iTrust2, "):
        maven.package(command, log=tmp_path / "log", tell=lambda _: None, seconds=1)
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_on_a_host_the_text_runs_by_itself_and_its_last_line_is_the_reason(tmp_path: Path) -> None:
    """As a host gets it: `python3 -c TEXT`, with nothing of this project beside it."""
    text = Path(maven.__file__).read_text(encoding="utf-8")
    failing = _maven(
        tmp_path, "echo '[INFO] Building iTrust2 0.0.1'; sleep 1; echo '[ERROR] no room'; exit 1"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", text, str(tmp_path / "log"), "30", *failing],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("progress: Maven: iTrust2, ")
    assert done.stderr == "mvn package: no room\n"
