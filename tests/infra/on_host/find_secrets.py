"""Run on a host, as root: finds places where others can read what only the application should know.

Arguments: shell patterns of the files that hold secrets (environment files, WARs with *.properties).
Prints JSON: {"secrets": how many, "processes": [...], "units": [...], "files": [...], "journal": [...]}; places
only, never a secret. A name and a value are a secret when the name says so and the value has 8 characters.
"""

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

NAMED = re.compile(r"""(?im)^[\w.-]*(?:password|passwd|secret|token)[\w.-]*\s*[=:]\s*["']?([^\s"']{8,})""")
PLACES = ("/etc", "/srv", "/var/log", "/tmp", "/var/tmp", "/opt", "/usr/local")
SKIPPED = {"node_modules", ".git", "ssl"}
LARGEST = 4_000_000


def texts(path: str) -> Iterator[str]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                if name.endswith(".properties"):
                    yield packed.read(name).decode("utf-8", "replace")
    else:
        yield Path(path).read_text(errors="replace")


def secrets(patterns: list[str]) -> set[str]:
    files = [str(path) for pattern in patterns for path in Path("/").glob(pattern.lstrip("/"))]
    return {value for path in files for text in texts(path) for value in NAMED.findall(text)}


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout


def readable_files() -> Iterator[Path]:
    """Regular files that a user with no rights at all can open: each directory above lets them through."""
    for place in PLACES:
        for directory, names, files in os.walk(place):
            here = Path(directory)
            names[:] = [n for n in names if n not in SKIPPED and (here / n).lstat().st_mode & 0o001]
            for path in (here / name for name in files):
                try:
                    found = path.lstat()
                except FileNotFoundError:
                    continue
                if (
                    path.is_file()
                    and not path.is_symlink()
                    and found.st_mode & 0o004
                    and found.st_size < LARGEST
                ):
                    yield path


def main(patterns: list[str]) -> None:
    values = secrets(patterns)

    def told(text: str) -> bool:
        return any(value in text for value in values)

    def read(path: Path) -> str:
        try:
            return path.read_text(errors="replace")
        except OSError:  # a process that ended meanwhile
            return ""

    shown = output("systemctl", "show", "*.service").split("\n\n")
    report = {
        "secrets": len(values),
        "processes": [
            f"{path.parent.name} ({read(path.parent / 'comm').strip()})"
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if told(read(path))
        ],
        "units": [name for unit in shown if told(unit) for name in re.findall(r"(?m)^Id=(.*)", unit)],
        "files": sorted(str(path) for path in readable_files() if told(read(path))),
        "journal": ["the journal since boot"]
        if told(output("journalctl", "-b", "-o", "cat", "--no-pager"))
        else [],
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1:])
