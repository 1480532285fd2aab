"""What the project is made of: known vulnerabilities in it, a list of it, and its pins made anew.

    .venv/bin/python bootstrap/supply_chain.py audit     known vulnerabilities, as far as the registries tell
    .venv/bin/python bootstrap/supply_chain.py sbom      CycloneDX files, one for each lock file, in build/sbom
    .venv/bin/python bootstrap/supply_chain.py pins      requirements.txt from pyproject.toml; --upgrade for newer ones;
                                                         and of these what a host that sends load is given

The work is pip-audit's, npm's, cyclonedx-bom's and uv's. Exit 1: something vulnerable is pinned. A registry that does
not tell is no such thing: it is said, and nothing is claimed of its packages.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
_PROGRAMS: Final = ROOT / ".venv" / "audit" / "bin"
_NPM_LOCKS: Final = (
    "dashboard/package-lock.json",
    "services/checkbox/server-side/site/package-lock.json",
    "services/preview/package-lock.json",
)
_SECONDS: Final = 300
_OF_NPM: Final = re.compile(r"npm (?:warn audit|error) (?!code |audit endpoint|A complete log)(.*)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the first word says; gives the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=("audit", "sbom", "pins"))
    parser.add_argument("--upgrade", action="store_true", help="pins: take the newest versions that fit")
    asked = parser.parse_args(arguments)
    _install_programs()
    if asked.what == "pins":
        return _pins(upgrade=asked.upgrade)
    if asked.what == "sbom":
        return _sbom(ROOT / "build" / "sbom")
    return _audit()


def _install_programs() -> None:
    stamp, wanted = _PROGRAMS.parent / "installed", (ROOT / "bootstrap" / "audit.txt").read_text()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print("setup: installing pip-audit, cyclonedx-bom and uv in .venv/audit", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", str(_PROGRAMS.parent)], check=True)
    command = [str(_PROGRAMS / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "--require-hashes", "-r", "bootstrap/audit.txt"], cwd=ROOT, check=True)
    stamp.write_text(wanted)


def _output(*command: str, cwd: Path = ROOT) -> tuple[str, str]:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except FileNotFoundError:
        return "", f"{command[0]} is not installed"
    except subprocess.TimeoutExpired:
        return "", f"no answer within {_SECONDS} s"
    return done.stdout, done.stderr


def _audit() -> int:
    options = ("--requirement", "requirements.txt", "--require-hashes", "--disable-pip", "--format", "json")
    said = [python_findings(*_output(str(_PROGRAMS / "pip-audit"), *options, "--progress-spinner", "off"))]
    for lock in _NPM_LOCKS:
        out, err = _output(
            "npm", "audit", "--omit=dev", "--package-lock-only", "--json", cwd=(ROOT / lock).parent
        )
        said.append(npm_findings(lock, out, err))
    for _, lines in said:
        print("\n".join(lines))
    return 1 if any(bad for bad, _ in said) else 0


def python_findings(out: str, err: str) -> tuple[bool, list[str]]:
    """Whether something is vulnerable, and what to tell, from pip-audit's JSON and its messages.

    >>> python_findings('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', "")
    (False, ['requirements.txt: 1 package, none with a known vulnerability'])
    """
    try:
        found: list[dict[str, Any]] = json.loads(out)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return False, [f"requirements.txt: NOT audited: {_last(err)}"]
    bad = [
        f"requirements.txt: {one['name']} {one['version']}: {flaw['id']}, fixed in "
        f"{', '.join(flaw['fix_versions']) or 'no version yet'}"
        for one in found
        for flaw in one.get("vulns", ())
    ]
    known = [one for one in found if "skip_reason" not in one]
    if not known and found:
        return False, ["requirements.txt: NOT audited: the package index says nothing about vulnerabilities"]
    count = f"{len(known)} package{'' if len(known) == 1 else 's'}"
    lines = bad or [f"requirements.txt: {count}, none with a known vulnerability"]
    if len(known) < len(found):
        lines.append(
            f"requirements.txt: NOT audited: {len(found) - len(known)} more, which the index does not know"
        )
    return bool(bad), lines


def npm_findings(lock: str, out: str, err: str) -> tuple[bool, list[str]]:
    """The same from npm's."""
    try:
        found: dict[str, Any] = json.loads(out)["vulnerabilities"]
    except (ValueError, KeyError, TypeError):
        return False, [f"{lock}: NOT audited: {_last(err)}"]
    bad = [f"{lock}: {name}: {one['severity']}, versions {one['range']}" for name, one in found.items()]
    return bool(bad), bad or [f"{lock}: none with a known vulnerability"]


def _last(text: str) -> str:
    """The line of a program's messages that says most: npm's warning or error, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [match[1] for line in lines if (match := _OF_NPM.fullmatch(line))]
    return said[0][:200] if said else (lines or ["it gave no reason"])[-1][:200]


def _sbom(into: Path) -> int:
    into.mkdir(parents=True, exist_ok=True)
    out, err = _output(
        str(_PROGRAMS / "cyclonedx-py"), "requirements", "requirements.txt", "--pyproject", "pyproject.toml",
        "--output-reproducible", "--of", "JSON",
    )  # fmt: skip
    made = {"python": (out, err)}
    for lock in _NPM_LOCKS:
        name = lock.removesuffix("/package-lock.json").removeprefix("services/").partition("/")[0]
        options = ("sbom", "--sbom-format", "cyclonedx", "--package-lock-only", "--omit=dev")
        made[name] = _output("npm", *options, cwd=(ROOT / lock).parent)
    missing = False
    for name, (out, err) in made.items():
        path = into / f"{name}.cdx.json"
        try:
            count = len(json.loads(out)["components"])
        except (ValueError, KeyError):
            print(f"{name}: no list: {_last(err)}", file=sys.stderr)
            missing = True
            continue
        path.write_text(out)
        print(f"{path.relative_to(ROOT)}: {count} packages")
    return 1 if missing else 0


def _pins(*, upgrade: bool) -> int:
    common = [
        str(_PROGRAMS / "uv"),
        "pip",
        "compile",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--quiet",
    ]
    common += ["--no-annotate", "--custom-compile-command", "make pins", *(["--upgrade"] if upgrade else [])]
    sources = {"requirements.txt": ("pyproject.toml", "--all-extras", "--group", "dev"),
               "deploys/software/loader.txt": ("bootstrap/loader.in", "--constraint", "requirements.txt"),
               "bootstrap/audit.txt": ("bootstrap/audit.in",)}  # fmt: skip
    for target, source in sources.items():
        if (code := subprocess.run([*common, *source, "-o", target], cwd=ROOT, check=False).returncode) != 0:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
