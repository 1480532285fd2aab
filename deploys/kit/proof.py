"""A check of the application that runs on its host, and reports what it found."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping

from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.kit.reports import run_now, tell

__all__ = ["program_text", "proof"]


def program_text(program: str, parameters: Mapping[str, object]) -> str:
    """One Python text that runs `program` with `parameters` as JSON on its standard input.

    Both travel through standard input of `python3 -`, so that no password is in argv or in a file.
    """
    return (
        "import io, sys\n"
        f"sys.stdin = io.StringIO({json.dumps(parameters)!r})\n"
        f"exec(compile({program!r}, 'proof', 'exec'), {{'__name__': '__main__'}})\n"
    )


@operation()
def proof(program: str, parameters: Mapping[str, object]) -> Generator[StringCommand, None, None]:
    """Run the Python text `program` on the host; it reads its parameters with `json.load(sys.stdin)`.

    On success its last line of output is a JSON object, logged as `report: {json}`; it counts as no change and
    does not run where pyinfra only looks for what would change. A program that ends with another status than 0
    fails the operation on this host, with its last line (standard error or output) as the reason.
    The host needs python3 and whatever else the program imports.
    """
    if not host.state.is_executing:
        return
    done, output = run_now(StringCommand("python3", "-", _stdin=program_text(program, parameters)))
    said = [line.strip() for line in output.output_lines if line.strip()]
    if done:
        try:
            report = json.loads(output.stdout_lines[-1])
            tell(report)
        except (IndexError, ValueError):
            done, said = False, ["it ended well but without a report: its last line must be a JSON object"]
    if done:
        host.noop("it works")
        return
    # A command that fails, not an exception: pyinfra then fails this host alone, and tells why, in all its modes.
    reason = said[-1] if said else "it ended without a word"
    yield StringCommand("printf", "'%s\\n'", QuoteString(reason), ">&2;", "exit 1")
