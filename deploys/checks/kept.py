"""Files and units of a host, looked at or put right. Runs on the host: `python3 -`, parameters as JSON.

`change`: false looks only. `users`: {name: home} of system users that cannot log in with a password. `files`:
{path: {text, mode, group, user}}; the last three are 644, root, root where missing. Directories that a file lacks
are made. `only`: patterns of files; what they match and is neither in `files` nor in `spared` is removed.

`units`: {name: {files, reread, answers, patient, where_it_runs}}. Each runs, starts with the host, was started after
its `files` were last written, and reloaded after those of `reread` were. `answers` is an address that gives 200 once
it is ready. One that is `patient` may be waiting to be started again; `where_it_runs`: one that does not run, or
not as a service of its own, is left alone. `only_units`: a pattern; units that it matches and that are not in `units`
are stopped. `test`: commands that must end well before anything is started; else the files are put back.

Prints what was to be done, one line each; ends with 1 and one line where that failed.
"""

import fcntl
import grp
import json
import os
import pwd
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

RELOADED = Path("/run/pipeline-reloaded")
SHOWN = "Id,ActiveState,SubState,UnitFileState,NeedDaemonReload,ExecMainStartTimestamp"
WAIT = 30.0  # seconds until a unit that was started answers
BUSY = 120.0  # seconds for another deploy that is at it


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def wrong_files(files: dict[str, dict[str, str]]) -> list[str]:
    return [path for path, file in files.items() if not holds(Path(path), file)]


def holds(path: Path, file: dict[str, str]) -> bool:
    try:
        stat = path.lstat()
        same = path.read_bytes() == file["text"].encode() and not path.is_symlink()
        owner = (pwd.getpwuid(stat.st_uid).pw_name, grp.getgrgid(stat.st_gid).gr_name)
    except (OSError, KeyError):
        return False
    mode = int(file.get("mode", "644"), 8)
    return (
        same
        and stat.st_mode & 0o7777 == mode
        and owner == (file.get("user", "root"), file.get("group", "root"))
    )


def written(path: Path, file: dict[str, str]) -> None:
    """All of it or nothing, and never readable by more than it should be."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        target.write(file["text"].encode())
        owner, group = pwd.getpwnam(file.get("user", "root")), grp.getgrnam(file.get("group", "root"))
        os.fchown(descriptor, owner.pw_uid, group.gr_gid)
        os.fchmod(descriptor, int(file.get("mode", "644"), 8))
    new.replace(path)


def states(units: list[str]) -> dict[str, dict[str, str]]:
    if not units:
        return {}
    told = run("systemctl", "show", "--timestamp=us+utc", "-p", SHOWN, *units)
    blocks = [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in told.stdout.split("\n\n")
    ]
    return {block["Id"]: block for block in blocks if "Id" in block}


def started(state: dict[str, str]) -> float:
    """When the unit's process began, in seconds since 1970; 0 where there is none."""
    try:
        # "Mon 2026-11-23 10:00:00.123456 UTC"
        _, day, hour, _ = state["ExecMainStartTimestamp"].split()
        return datetime.fromisoformat(f"{day}T{hour}+00:00").timestamp()
    except (KeyError, ValueError):
        return 0.0


def newest(paths: list[str]) -> float:
    return max((Path(path).stat().st_mtime for path in paths if Path(path).exists()), default=0.0)


def wrong_units(units: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What is to be done with each unit that is not as it should be: `start`, `restart` or `reload`."""
    found = states(list(units))
    to_do = {}
    for name, unit in units.items():
        state, mark = found.get(name, {}), RELOADED / name
        began = started(state)
        running = state.get("ActiveState") == "active" or (
            unit.get("patient") and state.get("SubState") == "auto-restart"
        )
        if unit.get("where_it_runs") and not running:
            continue
        if not running or state.get("UnitFileState") != "enabled":
            to_do[name] = "start"
        elif state.get("NeedDaemonReload") == "yes" or newest(unit.get("files", [])) > began:
            to_do[name] = "restart"
        elif newest(unit.get("reread", [])) > max(began, newest([str(mark)])):
            to_do[name] = "reload"
    return to_do


def matched(pattern: str) -> list[str]:
    path = Path(pattern)
    return [str(found) for found in sorted(path.parent.glob(path.name))]


def too_many(given: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Files and units that are there and should not be."""
    wanted = {*given["files"], *given.get("spared", [])}
    files = [path for pattern in given.get("only", []) for path in matched(pattern) if path not in wanted]
    units: list[str] = []
    if given.get("only_units"):
        listed = run("systemctl", "list-units", "--all", "--plain", "--no-legend", given["only_units"]).stdout
        wants = matched(f"/etc/systemd/system/multi-user.target.wants/{given['only_units']}")
        names = {line.split()[0] for line in listed.splitlines() if line} | {
            Path(path).name for path in wants
        }
        units = sorted(names - set(given["units"]))
    return files, units


def users_missing(users: dict[str, str]) -> list[str]:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return [name for name in users if name not in names]


def looked_at(given: dict[str, Any]) -> list[str]:
    files, units = too_many(given)
    return [
        *(f"user {name} is to be made" for name in users_missing(given.get("users", {}))),
        *(f"{path} is to be written" for path in wrong_files(given["files"])),
        *(f"{path} is to go" for path in files),
        *(f"{name} is to go" for name in units),
        *(f"{name}: {what}" for name, what in wrong_units(given["units"]).items()),
    ]


def put_right(given: dict[str, Any]) -> None:
    for name in users_missing(given.get("users", {})):
        home = ["--no-create-home", "--home-dir", given["users"][name]]
        # '*' is no password, and unlike '!' it does not lock the account for its keys.
        closed = ["--shell", "/usr/sbin/nologin", "--password", "*"]
        made = run("useradd", "--system", "--user-group", *home, *closed, name)
        if made.returncode != 0:
            sys.exit(f"user {name}: {made.stderr.strip()}")
    files, units = too_many(given)
    for name in units:
        run("systemctl", "disable", "--now", "--quiet", name)
        run("systemctl", "reset-failed", "--quiet", name)
    before = {
        path: Path(path).read_bytes() if Path(path).exists() else None
        for path in [*wrong_files(given["files"]), *files]
    }
    for path in before:
        if path in given["files"]:
            written(Path(path), given["files"][path])
        else:
            Path(path).unlink()
    for command in given.get("test", []):
        tested = run(*command)
        if tested.returncode != 0:
            for path, content in before.items():
                if content is None:
                    Path(path).unlink(missing_ok=True)
                else:
                    Path(path).write_bytes(content)
            said = [line.strip() for line in (tested.stdout + tested.stderr).splitlines() if line.strip()]
            sys.exit(f"{command[0]}: {said[-1] if said else 'refused'}")
    if any(path.startswith("/etc/systemd/") for path in before):
        run("systemctl", "daemon-reload")
    if any(state.get("NeedDaemonReload") == "yes" for state in states(list(given["units"])).values()):
        run("systemctl", "daemon-reload")
    for name, what in wrong_units(given["units"]).items():
        acted(name, what, given["units"][name])


def acted(name: str, what: str, unit: dict[str, Any]) -> None:
    began = time.time()
    run("systemctl", "enable", "--quiet", name)
    run("systemctl", "reset-failed", "--quiet", name)
    done = run("systemctl", "reload" if what == "reload" else "restart", name)
    if done.returncode == 0 and what == "reload":
        RELOADED.mkdir(mode=0o755, exist_ok=True)
        (RELOADED / name).touch()
    address = unit.get("answers")
    while done.returncode == 0 and address:
        if answers(address):
            return
        if time.time() - began > WAIT:
            break
        time.sleep(0.2)
    else:
        if done.returncode == 0:
            return
    log = run(
        "journalctl", "-u", name, "--since", f"@{int(began)}", "-o", "cat", "--no-pager", "-n", "20"
    ).stdout
    lines = [
        line.strip()
        for line in log.splitlines()
        if line.strip() and not line.startswith(("Start", "Stop", name))
    ]
    sys.exit(f"{name}: {lines[-1][:300] if lines else 'does not start, and does not say why'}")


def answers(address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def main(given: dict[str, Any]) -> None:
    if not given["change"]:
        print("\n".join(looked_at(given)))
        return
    descriptor = os.open("/run/lock/pipeline-kept", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    began = time.time()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.time() - began > BUSY:
                sys.exit("another deploy is still at it on this host")
            time.sleep(0.3)
    put_right(given)


if __name__ == "__main__":
    main(json.load(sys.stdin))
