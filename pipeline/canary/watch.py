"""The page of a run while it is under way, on this machine only: `pipeline canary --watch`."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final, Self

from pipeline.base import child
from pipeline.base.errors import EnvironmentError_
from pipeline.base.places import ISOLATED
from pipeline.base.text import reason_of

__all__ = ["Watch"]

_PATIENCE: Final = 8.0  # seconds for whoever looks to be shown the report


class Watch:
    """A socket that listens at `url`, and from `begin` on the process that serves a run's page there.

    What is served is read from the run's directory, so the run knows nothing of it, and nothing that happens to it
    changes what the run does.
    """

    def __init__(self, port: int = 0) -> None:
        """Takes the port; 0: one that is free. Raises EnvironmentError_ where it is taken."""
        self._socket = socket.socket()
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(("127.0.0.1", port))
            self._socket.listen()
        except OSError as error:
            self._socket.close()
            said = f"--watch-port {port}: 127.0.0.1:{port} cannot be used: {reason_of(error)}"
            raise EnvironmentError_(said, hint="--watch alone takes a port that is free") from None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/"

    def begin(self, directory: Path) -> None:
        """Serve the run in this directory from now on."""
        program = [sys.executable, *ISOLATED, "-m", "pipeline.report.live_server"]
        self._process = child.start(
            [*program, str(self._socket.fileno()), str(directory.resolve())],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(self._socket.fileno(),),
        )

    def finish(self) -> int | None:
        """The run is over and has its report: wait until that was shown to whoever is looking, but not for long.

        Gives the exit code of the process that served it, None where that goes on.
        """
        if self._process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        return self._process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            child.stop(self._process)
        self._socket.close()
