"""The Makefile tells all it can do, and git's hooks check what `make lint` checks."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import Final

import yaml

from pipeline.base.places import ROOT

MAKEFILE: Final = (ROOT / "Makefile").read_text()


def targets() -> set[str]:
    (listed,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    return set(listed.split())


def test_every_target_is_listed_by_make_help_and_is_no_file() -> None:
    told = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in told.splitlines()} == targets()
    assert set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE)) == targets()


def test_the_hooks_of_git_run_what_make_lint_runs() -> None:
    """But for the audit, which asks the registries: a commit must not wait for them."""
    (recipe,) = re.findall(r"^lint: setup\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    commands = [
        line.strip().removeprefix("@").replace("$(PY)", ".venv/bin/python")
        for line in recipe.splitlines()
        if "audit" not in line
    ]
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local"
    assert [shlex.split(hook["entry"]) for hook in local["hooks"]] == [shlex.split(line) for line in commands]
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in local["hooks"])
