"""`make audit`: what is told of the auditing programs' answers. Nothing is claimed of what was not audited."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from typing import Any

import pytest

from pipeline.base.places import ROOT


@pytest.fixture(scope="module")
def supply_chain() -> Any:
    spec = importlib.util.spec_from_file_location("supply_chain", ROOT / "bootstrap" / "supply_chain.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_vulnerable_package_is_named_with_what_mends_it(supply_chain: Any) -> None:
    flaw = {"id": "PYSEC-2026-1", "fix_versions": ["1.3"], "aliases": [], "description": "..."}
    answer = {"dependencies": [{"name": "a", "version": "1.2", "vulns": [flaw]}], "fixes": []}
    assert supply_chain.python_findings(json.dumps(answer), "") == (
        True,
        ["requirements.txt: a 1.2: PYSEC-2026-1, fixed in 1.3"],
    )


def test_packages_that_the_index_does_not_know_are_not_called_sound(supply_chain: Any) -> None:
    answer = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "skip_reason": "Dependency not found on PyPI"},
        ]
    }
    assert supply_chain.python_findings(json.dumps(answer), "") == (
        False,
        [
            "requirements.txt: 1 package, none with a known vulnerability",
            "requirements.txt: NOT audited: 1 more, which the index does not know",
        ],
    )
    del answer["dependencies"][0]
    [said] = supply_chain.python_findings(json.dumps(answer), "")[1]
    assert said == "requirements.txt: NOT audited: the package index says nothing about vulnerabilities"


def test_a_registry_that_does_not_answer_is_told_with_its_reason(supply_chain: Any) -> None:
    said = "npm warn audit 405 Method Not Allowed - POST https://example.org/x\n\nnpm error audit endpoint\n"
    assert supply_chain.npm_findings("x/package-lock.json", "", said) == (
        False,
        ["x/package-lock.json: NOT audited: 405 Method Not Allowed - POST https://example.org/x"],
    )
    assert supply_chain.python_findings("", "")[1] == ["requirements.txt: NOT audited: it gave no reason"]


def test_a_vulnerable_node_package_is_named(supply_chain: Any) -> None:
    answer = {"vulnerabilities": {"marked": {"severity": "high", "range": "<4.0.10"}}}
    assert supply_chain.npm_findings("x", json.dumps(answer), "") == (
        True,
        ["x: marked: high, versions <4.0.10"],
    )


def test_every_lock_file_is_audited(supply_chain: Any) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*package-lock.json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [*supply_chain._NPM_LOCKS] == listed.stdout.split()
