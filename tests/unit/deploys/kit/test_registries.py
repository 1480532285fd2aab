"""Which registries an installation asks, as far as its commands and its tree say."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploys.kit.registries import registries

PACKAGE = json.dumps({"dependencies": {"marked": "15.0.12"}})


def tree(path: Path, files: Mapping[str, str]) -> Path:
    with tarfile.open(path / "tree.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path / "tree.tar.gz"


@pytest.mark.parametrize(
    ("install", "environment", "tools"),
    [
        ([["npm", "install", "--omit=dev"]], {}, ["npm"]),
        ([["npm", "ci"], ["npm", "run", "build"]], {}, ["npm"]),
        ([["python3", "-m", "venv", ".venv"], [".venv/bin/pip", "install", "."]], {}, ["pip"]),
        ([[".venv/bin/python", "-m", "pip", "install", "flask"], ["npm", "i"]], {}, ["pip", "npm"]),
        ([["npm", "run", "build"], ["make"]], {}, []),
        ([["npm", "ci", "--offline"]], {}, []),
        ([["npm", "ci"]], {"npm_config_offline": "true"}, []),
        ([["pip3", "install", "--no-index", "--find-links=wheels", "."]], {}, []),
        ([["pip3", "install", "-i", "https://elsewhere.example/", "x"]], {}, []),
    ],
)
def test_only_a_command_that_fetches_asks_a_registry(
    install: list[list[str]], environment: dict[str, str], tools: list[str], tmp_path: Path
) -> None:
    archive = tree(tmp_path, {"package.json": PACKAGE})
    assert registries(install, environment, archive) == tools


@pytest.mark.parametrize(
    "files",
    [
        {"package.json": json.dumps({"name": "x"})},
        {"package.json": PACKAGE, "node_modules/marked/package.json": "{}"},
        {"package.json": PACKAGE, ".npmrc": "registry=https://of.the.tree.example/"},
    ],
    ids=["depends on nothing", "brings its packages", "has settings of its own"],
)
def test_a_tree_for_which_npm_asks_nobody_that_we_know_has_none(
    files: dict[str, str], tmp_path: Path
) -> None:
    assert registries([["npm", "ci"]], {}, tree(tmp_path, files)) == []
