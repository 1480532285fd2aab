"""What a run costs besides its load: seconds of each step of `pipeline canary` on a machine where all is set up.

    python bench/warm_run.py [RUNS]

Each run boots its own lab and removes it (no --keep), with phases as short as a verdict allows. The steps are read from
the progress lines, which carry the seconds since the start.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from statistics import median

from tabulate import tabulate

DURATION_SECONDS, WARMUP_SECONDS = 10, 5
STEPS = (  # the line that begins a step, and what the step is called
    ("start", "start, profile, source"),
    ("lab on", "boot three hosts"),
    ("deploying", "deploy both versions"),
    ("asking", "connect, ask the hosts, probe"),
    ("load:", "load (not counted)"),
    ("judging", "judge, switch the proxy"),
    ("removing", "remove the lab"),
    ("end", ""),
)


def one_run() -> dict[str, float]:
    """Seconds of each step of one run."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, "-m", "pipeline", "canary", "master", "master"]
        command += ["--repo", "sample", "--runs", runs]
        done = subprocess.run(
            [*command, "--duration", f"{DURATION_SECONDS}s", "--warmup", f"{WARMUP_SECONDS}s"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    total = time.monotonic() - began
    marks = [("start", 0.0)]
    for line in done.stderr.splitlines():
        found = re.match(r"\s*([0-9.]+)s  (.*)", line)
        if found:
            marks += [(mark, float(found[1])) for mark, _ in STEPS if found[2].startswith(mark)]
    if [mark for mark, _ in marks] != [mark for mark, _ in STEPS[:-1]]:
        raise SystemExit(f"the run did not go through its steps:\n{done.stderr}")
    marks.append(("end", total))
    names = dict(STEPS)
    return {names[mark]: after - at for (mark, at), (_, after) in pairwise(marks)}


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="?", type=int, default=3)
    runs = [one_run() for _ in range(parser.parse_args().runs)]
    rows = [(step, *(run[step] for run in runs), median(run[step] for run in runs)) for step in runs[0]]
    counted = [sum(seconds for step, seconds in run.items() if "not counted" not in step) for run in runs]
    rows.append(("all but the load", *counted, median(counted)))
    headers = ("step, seconds", *(f"run {number + 1}" for number in range(len(runs))), "median")
    print(tabulate(rows, headers=headers, floatfmt=".1f"))


if __name__ == "__main__":
    main()
