"""Every fault of the sample against master, and master against itself, on the real lab: verdicts as a table.

    python bench/faults.py [--duration 60s] [--identical 10] [FAULT ...]

Appends a row a run to the file named by --out as it goes, so that a bench that is broken off keeps what it has.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pipeline.sample import faults


def run(canary: str, duration: str, runs: Path) -> dict[str, Any]:
    """One run of master against `canary` on a kept lab; its verdict as JSON, with the seconds that it took."""
    began = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pipeline",
        "canary",
        "master",
        canary,
        "--repo",
        "sample",
        "--keep",
        "--json",
    ]
    done = subprocess.run(
        [*command, "--duration", duration, "--runs", str(runs)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    verdict: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"error": {"message": done.stderr}}
    return {**verdict, "seconds": time.monotonic() - began}


def row(canary: str, verdict: dict[str, Any]) -> str:
    """A line of a Markdown table."""
    if "error" in verdict:
        return f"| {canary} | error | | {verdict['error']['message']} | {verdict['seconds']:.0f} |"
    failed = [metric["name"] for metric in verdict["metrics"] if metric["decision"] == "fail"]
    score = "-" if verdict["score"] is None else f"{verdict['score']:.0f}"
    reason = verdict["reasons"][0].replace("|", "/")
    worse = ", ".join(failed) or "-"
    return f"| {canary} | {verdict['outcome']} | {score} | {worse} | {reason} | {verdict['seconds']:.0f} |"


def main() -> None:
    """Run all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fault", nargs="*", help="only these (default: all)")
    parser.add_argument("--duration", default="60s")
    parser.add_argument("--identical", type=int, default=0, metavar="N", help="runs of master against itself")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    names = (options.fault or list(faults("preview"))) if not options.identical or options.fault else []
    with options.out.open("a", buffering=1) as out:
        out.write(
            "| canary | verdict | score | metrics that fail | first reason | seconds |\n|---|---|---|---|---|---|\n"
        )
        for canary in [*names, *["master"] * options.identical]:
            line = row(canary, run(canary, options.duration, options.runs))
            out.write(line + "\n")
            print(line, flush=True)


if __name__ == "__main__":
    main()
