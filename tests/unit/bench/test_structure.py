"""The count of places, floors and arrows."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.structure import arrows_between, floors_of, imported_files, place_in, top_place, upward_arrows


def test_a_place_stands_above_all_that_it_imports() -> None:
    assert floors_of({("cli", "canary"), ("canary", "base"), ("cli", "base")}) == {
        "base": 1,
        "canary": 2,
        "cli": 3,
    }


def test_as_few_arrows_as_possible_open_a_circle() -> None:
    circle = {("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("b", "e")}
    assert len(upward_arrows(circle)) == 1
    assert upward_arrows({("a", "b"), ("b", "c")}) == set()


def test_files_and_folders_of_the_root_and_of_pipeline_are_places() -> None:
    places = {
        "deploys/kit/slots.py": "deploys",
        "pipeline/judge/stats/mean.py": "pipeline/judge",
        "pipeline/__main__.py": "pipeline/__main__.py",
        "pipeline/__init__.py": "",
    }
    assert {path: top_place(Path(path)) for path in places} == places
    assert place_in(Path("deploys"), Path("deploys/kit/slots.py")) == "deploys/kit"
    assert place_in(Path("deploys"), Path("dashboard/panels.py")) == ""


def test_an_import_leads_to_the_file_that_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = [Path(name) for name in ("one.py", "room/__init__.py", "room/two.py", "room/three.py")]
    Path("room").mkdir()
    for file in files:
        file.touch()
    text = "import json\nimport room.two\nfrom room import three\ndef f():\n    from room.two import x\n"
    Path("one.py").write_text(text)
    found = set(imported_files(Path("one.py"), files))
    assert found == {Path("room/two.py"), Path("room/three.py")}
    places = {file: file.parts[0] for file in files}
    assert arrows_between(places, {Path("one.py"): found}) == {("one.py", "room")}
