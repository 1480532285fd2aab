"""The judge on simulated runs, as the tables of docs/judge.md.

Run: .venv/bin/python -m bench.judge                          everything
     .venv/bin/python -m bench.judge alike --pairs 2000       false alarms, the same code in both arms
     .venv/bin/python -m bench.judge margin                   harm exactly as large as is allowed
     .venv/bin/python -m bench.judge harms                    what is found of real harm, and when
     .venv/bin/python -m bench.judge pass                     identical code by duration: passed, inconclusive, failed
     .venv/bin/python -m bench.judge hostile                  harm that hides, and samples not to be believed
     .venv/bin/python -m bench.judge errors                   1 % -> 3 % errors against Wald's bound; total failure
     .venv/bin/python -m bench.judge looks                    one judgement at the end tells of all looks
     .venv/bin/python -m bench.judge short                    labelled sets of short series, judged once
     .venv/bin/python -m bench.judge kinds                    the same by the kind of what was changed

`--rows PATTERN` makes some rows alone: those whose first cells, joined by " | ", have the regular expression somewhere.
Pure simulation: no hosts, no files. The figures do not depend on `--processes`.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from bench.judge.labelled import FAMILIES
from bench.judge.parallel import workers
from bench.judge.rows import Asked, Rows, alike, errors, harms, hostile, looks, margin, passes
from bench.judge.short import kinds, short
from bench.judge.tables import lines

# Each table, and how many runs a row are enough for what it says.
_TABLES: Final[Mapping[str, tuple[Callable[[Asked], Rows], int]]] = MappingProxyType(
    {
        "alike": (alike, 2000),
        "margin": (margin, 1000),
        "harms": (harms, 200),
        "pass": (passes, 400),
        "hostile": (hostile, 200),
        "errors": (errors, 200),
        "looks": (looks, 10),
        "short": (short, 200),
        "kinds": (kinds, 200),
    }
)
_OF_SERIES: Final = ("short", "kinds")


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the tables that are asked for, each row as soon as it is there."""
    parser = argparse.ArgumentParser(prog="python -m bench.judge")
    parser.add_argument("what", nargs="*", choices=[*_TABLES, []], default=[], metavar="|".join(_TABLES))
    parser.add_argument("--pairs", type=int, help="runs of each row, instead of each table's own number")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--rows", type=_pattern, default="", metavar="PATTERN", help="only rows like this")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--family", choices=FAMILIES, default="show", help="of the short series")
    given = parser.parse_args(arguments)
    with workers(given.processes) as mapped:
        for name in given.what or _TABLES:
            table, pairs = _TABLES[name]
            asked = Asked(given.pairs or pairs, given.seed, mapped, given.rows, given.family)
            began = time.monotonic()
            print(f"\n### {name}\n")
            for line in lines(table(asked)):
                # A row takes minutes: what is there already must not be lost when somebody stops the rest.
                print(line, flush=True)
            print(f"\n{asked.runs} runs a row; `{_command(name, asked)}`: {time.monotonic() - began:.0f} s")


def _command(name: str, asked: Asked) -> str:
    """What makes this table again."""
    command = ["python", "-m", "bench.judge", name, "--pairs", str(asked.runs), "--seed", str(asked.seed)]
    if asked.only:
        command += ["--rows", asked.only]
    if name in _OF_SERIES:
        command += ["--family", asked.family]
    return shlex.join(command)


def _pattern(text: str) -> str:
    """A regular expression; raises ValueError, which the parser reports, for what is none."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(str(error)) from error
    return text


if __name__ == "__main__":
    main()
