"""pip on the control machine, for files that go to a host."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["run_pip"]


def run_pip(work: Path, command: str, *arguments: str, seconds: float | None = None) -> str:
    """Run one command of pip without questions; gives why it failed, in pip's words, or nothing.

    Its temporary files go into `work`, as a pip that is killed leaves them. Raises subprocess.TimeoutExpired after
    `seconds`.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pip", command, "--quiet", "--disable-pip-version-check", "--no-input", *arguments],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=seconds,
        env={**os.environ, "TMPDIR": str(work)},
    )  # fmt: skip
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "no output")
    return said.removeprefix("ERROR: ")
