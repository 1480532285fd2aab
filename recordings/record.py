"""Records every task again: `make recordings`, or python -m recordings.record [--checkbox DIR] [--itrust DIR].

Works in a copy of this checkout with a home of its own, in a temporary directory, so its hosts are its own as well:
those of this checkout are not touched. Everything is taken down and removed at the end. The recordings here are
replaced only when all were made, each ended as it must, and none shows a path, a secret or a package registry's host.
Where an upstream repository cannot be reached, --checkbox and --itrust name clones of it; without them the
stand-ins of services/ are deployed, and the recording says so.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import MappingProxyType

import pexpect

from pipeline.base.facts import REPOSITORIES
from pipeline.base.places import ROOT
from recordings.cast import leaks, read_cast
from recordings.pictures import picture
from recordings.repositories import repository
from recordings.served import served
from recordings.session import record
from recordings.tasks import TASKS, Beside, typed
from recordings.watched import watched

__all__ = ["main", "private_words", "record_all", "session_environment"]

_HERE = Path(__file__).resolve().parent
# Left out of the copy: what is this checkout's own. The virtual environment is used where it is.
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.ini.lock", "inventory.ini")
_NOT_COPIED_FROM_ROOT = (".git", ".venv", ".vagrant", ".pipeline", "runs")  # pipeline/runs is code
_BESIDE: Mapping[Beside, Callable[[Path], AbstractContextManager[Mapping[str, str]]]] = MappingProxyType(
    {"prometheus": watched, "service": served}
)
# What reaching the network needs, where a machine has a proxy or certificates of its own.
_PASSED = re.compile(r"(?i).*_proxy|.*(_|SSL)CA.*|.*CERT.*|PIP_.*|PATH")


def main() -> int:
    """Record what is asked for. 0; 1 where a recording is not as it must be; 3 where a program is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, upstream in (("checkbox", "checkbox.io"), ("itrust", "iTrust2")):
        parser.add_argument(f"--{name}", type=Path, metavar="DIR", help=f"a clone of {upstream}")
    parser.add_argument(
        "--only",
        action="append",
        choices=[task.name for task in TASKS],
        help="this one (may be repeated; the deploys and what follows need prod-up)",
    )
    options = parser.parse_args()
    if missing := [name for name in ("bash", "curl", "git") if shutil.which(name) is None]:
        print(f"recordings: not installed: {', '.join(missing)}", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="recordings-") as name:
        work = Path(name).resolve()
        checkout, home, made = work / "pipeline", work / "home", work / "made"
        shutil.copytree(ROOT, checkout, ignore=_left_out, symlinks=True)
        home.mkdir(mode=0o700)
        made.mkdir()
        clones = {"checkbox": options.checkbox, "itrust": options.itrust}
        notes = {key: repository(key, REPOSITORIES[key], clones[key], checkout) for key in clones}
        environment = session_environment(checkout, home)
        try:
            problems = record_all(notes, options.only, made, checkout, home, environment)
        except (TimeoutError, ValueError, pexpect.EOF) as error:
            problems = [str(error).splitlines()[0]]
        finally:
            kept = _take_down(checkout, environment)
        problems += kept
        for problem in problems:
            print(f"recordings: {problem}", file=sys.stderr)
        if problems:
            print("recordings: those of before are kept", file=sys.stderr)
            return 1
        for cast in made.glob("*.cast"):
            picture(read_cast(cast), cast.with_suffix(".svg"))
        for file in sorted(made.iterdir()):
            shutil.copyfile(file, _HERE / file.name)
            print(f"recordings/{file.name}  {file.stat().st_size / 1000:.0f} kB")
    return 0


def _left_out(folder: str, names: list[str]) -> set[str]:
    """Which of the `names` in `folder` of this checkout are not copied."""
    own = _NOT_COPIED_FROM_ROOT if Path(folder) == ROOT else ()
    return _NOT_COPIED(folder, names) | {name for name in names if name in own}


def session_environment(checkout: Path, home: Path) -> dict[str, str]:
    """What a session's shell begins with: nothing of the user's own, but what reaching the network needs."""
    passed = {key: value for key, value in os.environ.items() if _PASSED.fullmatch(key)}
    boxes = os.environ.get("VAGRANT_HOME") or str(Path.home() / ".vagrant.d")
    return {
        **passed,
        "PATH": f"{Path(sys.executable).parent}:{passed.get('PATH', os.defpath)}",
        "HOME": str(home),
        "VAGRANT_HOME": boxes,  # the base box is the machine's, built once
        "PYTHONPATH": str(checkout),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
    }


def record_all(
    notes: dict[str, tuple[str, str]],
    only: list[str] | None,
    made: Path,
    checkout: Path,
    home: Path,
    environment: dict[str, str],
) -> list[str]:
    """Record each task to `made`, in order; what is wrong with the result. Ends at the first that ended wrong."""
    options = {key: option for key, (option, _note) in notes.items()}
    for task in TASKS:
        if only and task.name not in only:
            continue
        told = tuple(note for key, (_option, note) in notes.items() if note and f"-{key}" in task.name)
        cast = made / f"{task.name}.cast"
        for _ in range(2):
            print(f"recording {task.name}", file=sys.stderr, flush=True)
            cast.unlink(missing_ok=True)
            with ExitStack() as stack:
                more: Mapping[str, str] = (
                    stack.enter_context(_BESIDE[task.beside](checkout)) if task.beside else {}
                )
                status = record(
                    typed(task, options, told), cast, {**environment, **more}, checkout, home / "prompts"
                )
            if status != task.noise:
                break
        if status != task.status or read_cast(cast).status != status:
            tail = read_cast(cast).text[-1500:]
            return [f"{task.name} ended with exit status {status}, not {task.status}; its end:\n{tail}"]
    private = private_words(checkout, home)
    return [f"{cast.name} shows {leak!r}" for cast in made.glob("*.cast") for leak in leaks(cast, private)]


def private_words(checkout: Path, home: Path) -> list[str]:
    """What no recording may show: this machine's paths and name, its registries' hosts, secrets that were made."""
    words = {str(ROOT), str(Path.home()), str(checkout.parent)}
    words |= {name for name in (os.uname().nodename,) if len(name) >= 8}  # a short one is part of other words
    configured = [Path("/etc/pip.conf"), *(Path.home() / name for name in (".npmrc", ".m2/settings.xml"))]
    texts = [file.read_text(errors="replace") for file in configured if file.is_file()]
    texts += [value for key, value in os.environ.items() if _PASSED.fullmatch(key)]
    words |= {host for text in texts for host in re.findall(r"https?://(?:[^@/\s]*@)?([\w.-]{4,})", text)}
    for file in (home / ".config/pipeline/secrets").glob("*.yml"):
        values = re.findall(r"^\w+: *['\"]?([^'\"\n]+)", file.read_text(), re.MULTILINE)
        words |= {value for value in values if len(value) >= 8}
    return sorted(words)


def _take_down(checkout: Path, environment: dict[str, str]) -> list[str]:
    """Remove the hosts of the copy; what could not be removed. Their addresses and names are the copy's only."""
    kept: list[str] = []
    for command in (["prod", "down", "--cloud", "vagrant", "--yes"], ["lab", "down"]):
        argv = [sys.executable, "-m", "pipeline", *command]
        ended = subprocess.run(argv, cwd=checkout, env=environment, capture_output=True, text=True)
        if ended.returncode != 0:
            kept.append(f"pipeline {' '.join(command)}: {ended.stderr.strip()[-300:]}")
    return kept


if __name__ == "__main__":
    sys.exit(main())
