"""Every fault of the sample against master, or master against itself, on the real lab: verdicts as a table.

    python bench/faults.py --out FILE [--duration 120s] [--early-stop fail] [--schedule phased] [FAULT ...]
    python bench/faults.py --out FILE --identical 20

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

from pipeline.base.errors import Exit
from pipeline.runs.phases import SCHEDULES
from pipeline.source.sample import faults

HEAD = ("canary", "verdict", "decided after", "shown worse", "undecided", "first reason", "the whole run")


def run(canary: str, options: argparse.Namespace) -> dict[str, Any]:
    """One run of master against `canary` on a kept lab; its verdict as JSON, with the seconds that it took."""
    began = time.monotonic()
    command = [sys.executable, "-m", "pipeline", "canary", "master", canary]
    command += ["--repo", "sample", "--keep", "--json", "--runs", str(options.runs)]
    command += ["--duration", options.duration, "--early-stop", options.early_stop]
    command += ["--schedule", options.schedule]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode == Exit.INTERRUPTED:
        raise SystemExit(Exit.INTERRUPTED)  # who stops a run means the bench
    verdict: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"error": {"message": done.stderr}}
    return {**verdict, "seconds": time.monotonic() - began}


def row(canary: str, verdict: dict[str, Any]) -> str:
    """A line of a Markdown table."""
    whole = f"{verdict['seconds']:.0f} s"
    if "error" in verdict:
        return line(canary, "error", "", "", "", verdict["error"]["message"], whole)
    failed = [metric for metric in verdict["metrics"] if metric["decision"] == "fail"]
    worse = ", ".join(metric["name"] for metric in failed) or "-"
    undecided = ", ".join(m["name"] for m in verdict["metrics"] if m["decision"] == "inconclusive") or "-"
    after, reason = decided_after(verdict, failed), verdict["reasons"][0]
    return line(canary, verdict["outcome"], after, worse, undecided, reason, whole)


def decided_after(verdict: dict[str, Any], failed: list[dict[str, Any]]) -> str:
    """Seconds of the canary's measurement: of the early stop, else of the first metric that was shown worse."""
    if (stopped := verdict["run"]["stopped_early"]) is not None:
        return f"{stopped['decided_after']:.0f} s"
    known = [metric["decided_after"] for metric in failed if metric["decided_after"] is not None]
    return f"{min(known):.0f} s" if known else "-"


def line(*cells: str) -> str:
    """A row of a Markdown table: one line, and no cell ends another."""
    return f"| {' | '.join(' '.join(cell.split()).replace('|', '/') for cell in cells)} |"


def main() -> None:
    """Run all and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("fault", nargs="*", help="only these (default: all)")
    parser.add_argument("--duration", default="120s")
    parser.add_argument("--early-stop", default="fail", choices=["fail", "both", "off"])
    parser.add_argument("--schedule", default="phased", choices=SCHEDULES)
    parser.add_argument("--identical", type=int, default=0, metavar="N", help="runs of master against itself")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    names = (options.fault or list(faults("preview"))) if not options.identical or options.fault else []
    with options.out.open("a", buffering=1) as out:
        out.write(f"{line(*HEAD)}\n|{'---|' * len(HEAD)}\n")
        for canary in [*names, *["master"] * options.identical]:
            found = row(canary, run(canary, options))
            out.write(found + "\n")
            print(found, flush=True)


if __name__ == "__main__":
    main()
