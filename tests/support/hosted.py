"""A Dask scheduler with a run's own certificates, and workers that live as long as their input, as processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from loadgen.hosted import Orders, program
from pipeline.base.places import ROOT
from pipeline.load.certificates import Certificate

__all__ = ["Hosted", "Run", "a_run"]

# The scheduler as pipeline/load/cluster.py makes it, in a process that ends with its input.
_SCHEDULER = """
import asyncio, json, sys
from pathlib import Path
from pipeline.load.certificates import Authority
from pipeline.load.cluster import scheduler
async def main():
    authority = Authority()
    async with scheduler(authority, Path(sys.argv[1])) as port:
        made = {name: authority.certificate(name) for name in ("loader", "one", "two", "three", "four")}
        found = {name: [each.cert, each.key] for name, each in made.items()}
        print(json.dumps({"port": port, "ca": authority.pem, **found}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""


@dataclass
class Hosted:
    """A worker's process, and what it said of itself."""

    process: subprocess.Popen[str]
    said: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.said = self.line()

    def line(self) -> dict[str, Any]:
        """The next that it says; nothing where it has ended."""
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        return dict(json.loads(text)) if text else {}

    def tell(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()


@dataclass
class Run:
    """A scheduler, and the certificates of its run by their names."""

    port: int
    ca: str
    own: dict[str, Certificate]
    scheduler: subprocess.Popen[str]
    _stack: ExitStack = field(repr=False)

    @property
    def address(self) -> str:
        return f"tls://127.0.0.1:{self.port}"

    def worker(self, name: str, code: str = program()) -> Hosted:
        """A worker of this name, which the scheduler knows."""
        process = self._stack.enter_context(_process(["-I", "-c", code, str(ROOT)]))
        hosted = Hosted(process)
        own = self.own[name]
        contact = f"tls://127.0.0.1:{hosted.said['port']}"
        hosted.tell(Orders(name, self.address, contact, self.ca, own.cert, own.key).line())
        assert hosted.line() == {"ready": True}
        return hosted

    def files(self, directory: Path) -> list[str]:
        """The loader's options for this run, with their files in `directory`."""
        texts = {"ca": self.ca, "cert": self.own["loader"].cert, "key": self.own["loader"].key}
        for name, text in texts.items():
            (directory / name).write_text(text)
        return [f"--dask={self.address}", *(f"--dask-{name}={directory / name}" for name in texts)]


@contextmanager
def a_run() -> Iterator[Run]:
    """A scheduler that goes on until the end, and its workers with it."""
    with ExitStack() as stack:
        private = stack.enter_context(TemporaryDirectory())
        process = stack.enter_context(_process(["-c", _SCHEDULER, private]))
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        own = {name: Certificate(*said[name]) for name in ("loader", "one", "two", "three", "four")}
        yield Run(said["port"], said["ca"], own, process, stack)


@contextmanager
def _process(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what it was told last, it did not read
                    pipe.close()
