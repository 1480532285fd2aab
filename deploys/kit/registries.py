"""The tools whose registry an installation will ask, as far as that follows from its commands.

Which registry that is, the tool itself says on the host: templates/ready.sh.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["registries"]

_SUBCOMMANDS = {"npm": {"install", "i", "ci", "clean-install", "add"}, "pip": {"install"}}
_OFFLINE = {
    "npm": {"--offline", "--prefer-offline", "--registry"},
    "pip": {"--no-index", "--index-url", "-i"},
}
_NO_NETWORK = {"npm": "npm_config_offline", "pip": "pip_no_index"}


def registries(
    install: Sequence[Sequence[str]], environment: Mapping[str, object], archive: Path
) -> list[str]:
    """Whose registry the commands of `install` will ask. A command that asks nobody, or whom is not known, gives none.

    >>> registries([["npm", "ci"], ["make"]], {}, Path("/none.tar.gz"))
    ['npm']
    """
    given = {name.lower(): str(value) for name, value in environment.items()}
    found = []
    for tool in dict.fromkeys(tool for argv in install if (tool := _tool(argv))):
        if given.get(_NO_NETWORK[tool], "").lower() in ("1", "true", "yes"):
            continue
        if tool == "npm" and _npm_asks_nobody_we_know(archive):
            continue
        found.append(tool)
    return found


def _tool(argv: Sequence[str]) -> str:
    """npm or pip, where `argv` fetches with it what its settings name; else empty."""
    words = [str(word) for word in argv]
    name = Path(words[0]).name if words else ""
    if name.startswith("python") and words[1:3] == ["-m", "pip"]:
        name, words = "pip", words[2:]
    tool = {"npm": "npm", "pip": "pip", "pip3": "pip"}.get(name, "")
    if not tool or not _SUBCOMMANDS[tool].intersection(words[1:]):
        return ""
    options = {word.partition("=")[0] for word in words[1:]}
    return "" if _OFFLINE[tool] & options else tool


def _npm_asks_nobody_we_know(archive: Path) -> bool:
    """Whether the tree brings its packages along, depends on none, or has settings of its own for npm."""
    try:
        with tarfile.open(archive) as tree:
            names = {name.removeprefix("./") for name in tree.getnames()}
            if ".npmrc" in names or any(name.startswith("node_modules/") for name in names):
                return True
            package = tree.extractfile("package.json") if "package.json" in names else None
            wanted = json.load(package) if package else {"dependencies": True}
    except (OSError, tarfile.TarError, ValueError):
        return False  # what is wrong with it, the installation will say
    kinds = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "workspaces")
    return isinstance(wanted, dict) and not any(wanted.get(kind) for kind in kinds)
