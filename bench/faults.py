"""Every fault of the sample against master, and master against itself, on the real lab; many rounds make a table.

    python bench/faults.py --out FILE [--duration 120s] [--schedule phased] [--rounds 10] [--identical 3] [FAULT ...]
    python bench/faults.py --tables FILE ...

Appends a line of JSON a run to the file named by --out as it goes, so that a bench that is broken off keeps what it
has; --tables makes Markdown of such files, a column for each schedule. --identical N runs master against itself N
times in each round, --only-identical nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pipeline.base.errors import Exit
from pipeline.runs.phases import SCHEDULES
from pipeline.source.sample import faults

SAME: Final = "master"
PARTS: Final = ("passed", "inconclusive", "failed")


def run(canary: str, options: argparse.Namespace) -> dict[str, Any]:
    """One run of master against `canary` on a kept lab: what was told, and how busy the machine was."""
    began, load = time.monotonic(), os.getloadavg()[0]
    command = [sys.executable, "-m", "pipeline", "canary", "master", canary]
    command += ["--repo", "sample", "--keep", "--json", "--runs", str(options.runs)]
    command += ["--duration", options.duration, "--early-stop", options.early_stop]
    command += ["--schedule", options.schedule]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode == Exit.INTERRUPTED:
        raise SystemExit(Exit.INTERRUPTED)  # who stops a run means the bench
    verdict: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"error": {"message": done.stderr}}
    return {
        "canary": canary,
        "schedule": options.schedule,
        "duration": options.duration,
        **told(verdict),
        "whole_run_seconds": round(time.monotonic() - began),
        "load_1m": [round(load, 1), round(os.getloadavg()[0], 1)],
    }


def told(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """What a verdict says, as a line of the file has it."""
    if "error" in verdict:
        return {
            "outcome": "error",
            "seconds": None,
            "worse": [],
            "undecided": [],
            "reason": verdict["error"]["message"],
        }
    failed = [metric for metric in verdict["metrics"] if metric["decision"] == "fail"]
    return {
        "outcome": verdict["outcome"],
        "seconds": decided_after(verdict, failed),
        "worse": [metric["name"] for metric in failed],
        "undecided": [
            metric["name"] for metric in verdict["metrics"] if metric["decision"] == "inconclusive"
        ],
        "reason": verdict["reasons"][0],
    }


def decided_after(verdict: Mapping[str, Any], failed: Sequence[Mapping[str, Any]]) -> float | None:
    """Seconds of the canary's measurement: of the early stop, else of the first metric that was shown worse."""
    if (stopped := verdict["run"]["stopped_early"]) is not None:
        return float(stopped["decided_after"])
    known = [metric["decided_after"] for metric in failed if metric["decided_after"] is not None]
    return min(known, default=None)


def line(*cells: str) -> str:
    """A row of a Markdown table: one line, and no cell ends another."""
    return f"| {' | '.join(' '.join(cell.split()).replace('|', '/') for cell in cells)} |"


def tables(paths: Sequence[Path]) -> str:
    """How often each fault was found and after how many seconds, and what identical code was told."""
    runs = [json.loads(text) for path in paths for text in path.read_text().splitlines()]
    schedules = [name for name in SCHEDULES if any(one["schedule"] == name for one in runs)]
    out = [line("fault", *schedules), f"|{'---|' * (len(schedules) + 1)}"]
    for name in dict.fromkeys(one["canary"] for one in runs if one["canary"] != SAME):
        out.append(line(name, *(_found(_of(runs, name, schedule)) for schedule in schedules)))
    out += ["", line("identical code", *schedules), f"|{'---|' * (len(schedules) + 1)}"]
    same = {schedule: _of(runs, SAME, schedule) for schedule in schedules}
    for part in PARTS:
        counts = (sum(one["outcome"] == part for one in each) for each in same.values())
        out.append(
            line(part, *(f"{n} of {len(each)}" for n, each in zip(counts, same.values(), strict=True)))
        )
    out.append(line("undecided", *(_undecided(each) for each in same.values())))
    loads = [load for one in runs for load in one["load_1m"]]
    out += [
        "",
        f"{len(runs)} runs; load of the machine {min(loads)} to {max(loads)}, {statistics.median(loads)} mostly.",
    ]
    return "\n".join(out)


def _of(runs: Sequence[Mapping[str, Any]], canary: str, schedule: str) -> list[Mapping[str, Any]]:
    return [one for one in runs if one["canary"] == canary and one["schedule"] == schedule]


def _found(runs: Sequence[Mapping[str, Any]]) -> str:
    """How many were failed, the median and the largest of their seconds; what else was told of the others."""
    seconds = [one["seconds"] for one in runs if one["outcome"] == "failed" and one["seconds"] is not None]
    others = Counter(one["outcome"] for one in runs if one["outcome"] != "failed")
    found = f"{len(runs) - others.total()} of {len(runs)}"
    when = f", {statistics.median(seconds):.0f} s, at most {max(seconds):.0f}" if seconds else ""
    return found + when + "".join(f"; {count} {name}" for name, count in others.items())


def _undecided(runs: Sequence[Mapping[str, Any]]) -> str:
    names = Counter(name for one in runs if one["outcome"] == "inconclusive" for name in one["undecided"])
    return ", ".join(f"{name} {count}" for name, count in names.most_common(4)) or "-"


def main() -> None:
    """Run all and append, or make the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("fault", nargs="*", help="only these (default: all)")
    parser.add_argument("--duration", default="120s")
    parser.add_argument("--early-stop", default="fail", choices=["fail", "both", "off"])
    parser.add_argument("--schedule", default="phased", choices=SCHEDULES)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--identical", type=int, default=0, metavar="N", help="of master against itself, each round"
    )
    parser.add_argument("--only-identical", action="store_true", help="no faults")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    todo = parser.add_mutually_exclusive_group(required=True)
    todo.add_argument("--out", type=Path)
    todo.add_argument("--tables", type=Path, nargs="+", metavar="FILE")
    options = parser.parse_args()
    if options.tables:
        print(tables(options.tables))
        return
    names = [] if options.only_identical else options.fault or list(faults("preview"))
    with options.out.open("a", buffering=1) as out:
        for canary in [*names, *[SAME] * options.identical] * options.rounds:
            found = run(canary, options)
            out.write(json.dumps(found) + "\n")
            print(line(canary, found["outcome"], str(found["seconds"]), found["reason"]), flush=True)


if __name__ == "__main__":
    main()
