"""The loader itself, as a child: its output, its exit code and its Ctrl-C are its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from pipeline.base.child import tied
from pipeline.base.errors import Exit, UsageError
from pipeline.base.places import ISOLATED
from pipeline.base.text import last_line
from pipeline.load.cluster import Cluster

__all__ = ["check", "command", "send"]

_STOP_SECONDS: Final = 15  # the wire's last second, the hosts' farewell, and the files
_NOWHERE: Final = "tls://127.0.0.1:1"
_OURS: Final = ("--dask", "--dask-ca", "--dask-cert", "--dask-key")


def command(arguments: Sequence[str], of: Cluster | None = None) -> list[str]:
    """`python -m loadgen` with the user's arguments, and those by which it finds its workers."""
    dask = (
        [f"--dask={_NOWHERE}"]
        if of is None
        else [f"--dask={of.address}", f"--dask-ca={of.ca}", f"--dask-cert={of.cert}", f"--dask-key={of.key}"]
    )
    return [sys.executable, *ISOLATED, "-m", "loadgen", *dask, *arguments]


def check(arguments: Sequence[str]) -> None:
    """Raises UsageError, in the loader's own words, for arguments that it cannot use."""
    if own := next((word for word in arguments if word.partition("=")[0] in _OURS), None):
        raise UsageError(
            f"{own.partition('=')[0]} names another cluster: leave it out, or use python -m loadgen"
        )
    done = subprocess.run(
        [*command(arguments), "--check"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        said = last_line(done.stderr, "the loader does not take these arguments")
        words = said.removeprefix("loadgen: ").removesuffix(" (see --help)")
        raise UsageError(words, hint="python -m loadgen --help")


async def send(arguments: Sequence[str], of: Cluster, *, stdout: int | None = None) -> int:
    """Let it send; gives its exit code. Ctrl-C reaches it, and is waited for: then its code says so.

    `stdout` is where its output goes; None: where this process's does.
    """
    process = await asyncio.create_subprocess_exec(
        *tied(command(arguments, of)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        start_new_session=True,  # Ctrl-C on the terminal is this process's, which passes it on once
    )
    try:
        return await process.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(TimeoutError, ProcessLookupError):
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        code = process.returncode
        return Exit.INTERRUPTED if code is None or code < 0 else code
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
