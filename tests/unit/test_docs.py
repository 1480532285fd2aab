"""The pages for people: what they name exists, their links lead somewhere, and their lines are not too long."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "services").glob("*/README.md"),
        ROOT / "inventories" / "README.md",
        ROOT / "recordings" / "README.md",
    ]
)
FOLDERS: Final = (
    "bench|bootstrap|dashboard|deploys|docs|inventories|loadgen|pipeline|profiles|recordings|services|tests"
)
COLUMNS: Final = 120
HISTORY: Final = ROOT / "CHANGELOG.md"  # names files as they were called then
ONLY_INSTALLED: Final = "pipeline/shipped"  # made when the wheel is built

# A word that begins with one of the repository's folders: docs/judge.md, tests/infra, deploys/*.py
_PATH: Final = re.compile(rf"(?<![\w./~-])(?:{FOLDERS})/[\w./*-]*[\w*]")
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
# deploys/NAME.py stands for any name
_PLACEHOLDER: Final = re.compile(r"(?<![A-Za-z])(?!README|CHANGELOG)[A-Z]{2,}(?![a-z])")
_ROW: Final = re.compile(r"\| `([\w/]+\.py)` \| ([^|]+) \|")


def _lines(page: Path) -> Iterator[tuple[int, str]]:
    """The numbered lines of a page that are no code."""
    code = False
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        if line.startswith("```"):
            code = not code
        elif not code and not line.startswith("    "):
            yield number, line


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY], ids=_name)
def test_paths_that_a_page_names_exist(page: Path) -> None:
    named = {(number, path) for number, line in _lines(page) for path in _PATH.findall(line)}
    paths = {(number, path) for number, path in named if not _PLACEHOLDER.search(path)}

    missing = [(number, path) for number, path in sorted(paths) if not any(ROOT.glob(path))]
    assert [f"{number}: {path}" for number, path in missing if path != ONLY_INSTALLED] == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_relative_links_lead_to_a_file(page: Path) -> None:
    links = {(number, link) for number, line in _lines(page) for link in _LINK.findall(line)}
    relative = {(number, link.partition("#")[0]) for number, link in links if "://" not in link}

    missing = [(number, link) for number, link in sorted(relative) if not (page.parent / link).exists()]
    assert [f"{number}: {link}" for number, link in missing] == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_lines_of_prose_are_not_too_long(page: Path) -> None:
    prose = [(number, line) for number, line in _lines(page) if not line.startswith(("|", "!["))]
    long = [(number, line) for number, line in prose if len(line) > COLUMNS and "](" not in line]

    assert [f"{number}: {len(line)} columns" for number, line in long] == []


def test_each_claim_of_the_page_on_security_has_its_test() -> None:
    page = (ROOT / "docs" / "security.md").read_text("utf-8")
    there = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"^\s*def (test_\w+)\(", path.read_text("utf-8"), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", page))
    assert len(named) > 20
    assert named - there == set()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


def test_the_functions_that_the_architecture_names_are_in_their_files() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    stations = _ROW.findall(page)

    assert stations
    for path, cell in stations:
        source = (ROOT / path).read_text("utf-8")
        for name in re.findall(r"`([A-Za-z_]+(?:\.[A-Za-z_]+)?)`", cell):
            for part in name.split("."):
                defined = re.search(rf"^\s*(?:async )?(?:def|class) {part}\b", source, re.MULTILINE)
                assert defined, f"{path} has no {name}"
