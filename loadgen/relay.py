"""Within a Dask worker: starts the process of a shard, and passes on what it says and what it is told.

The process is one of its own, so that neither Dask nor what else the worker does holds it up, and ends with the worker.
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import time
from typing import IO, Final, NamedTuple

from distributed import Queue, Variable

from loadgen.child import command
from loadgen.processes import why_ended
from loadgen.shard import HEADER, STOP, Failed, frame

__all__ = ["Clock", "relay"]

_LOOKS_SECONDS: Final = 0.2
_ANSWER_SECONDS: Final = 10.0  # that the scheduler may take
_SILENT_SECONDS: Final = 15.0  # without a sign of the one who asked: then there is nobody who wants to know


class Clock(NamedTuple):
    """How much a worker's clock is ahead, in seconds, and how far off that may be."""

    ahead: float
    to_within: float


def relay(number: int, order: bytes, said: str, told: str, clock: Clock) -> None:
    """All of a shard's life.

    Args:
        number: The shard's.
        order: Its order, as a frame.
        said: Name of the queue that its messages are put into, as lists of its number and frames without headers.
        told: Name of the variable that says when to begin, how often to stop, and whether anybody is there.
        clock: Of this worker.
    """
    messages, orders = Queue(said), Variable(told)
    process = subprocess.Popen(
        command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            return
        came: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        words: list[bytes] = []
        stdout, stderr = process.stdout, process.stderr
        listening = [
            threading.Thread(target=_listen, args=(stdout, came), daemon=True),
            threading.Thread(target=lambda: words.append(stderr.read()[-4_000:]), daemon=True),
        ]
        for thread in listening:
            thread.start()
        control = _Control(process.stdin, clock)
        control.say(order)
        try:
            while process.poll() is None or not came.empty():
                frames, whole = _pieces(came)
                if frames:
                    messages.put([number, *frames], timeout=_ANSWER_SECONDS)
                if whole:
                    break
                if not control.follow(orders.get(timeout=_ANSWER_SECONDS)):
                    return
            process.stdin.close()
            code = process.wait(_ANSWER_SECONDS)
            listening[1].join(_ANSWER_SECONDS)
            if code:
                failed = frame(Failed(why_ended(code, b"".join(words))))[HEADER.size :]
                messages.put([number, failed], timeout=_ANSWER_SECONDS)
        finally:
            process.kill()


def _listen(stream: IO[bytes], came: queue.SimpleQueue[bytes | None]) -> None:
    """Every message of a shard; None at its end."""
    while len(head := stream.read(HEADER.size)) == HEADER.size:
        came.put(stream.read(*HEADER.unpack(head)))
    came.put(None)


def _pieces(came: queue.SimpleQueue[bytes | None]) -> tuple[list[bytes], bool]:
    """What has come by now, and whether that was all."""
    frames: list[bytes] = []
    try:
        frame = came.get(timeout=_LOOKS_SECONDS)
        while frame is not None:
            frames.append(frame)
            frame = came.get_nowait()
    except queue.Empty:
        return frames, False
    return frames, True


class _Control:
    """Tells a shard's process what the one who asked says."""

    def __init__(self, stdin: IO[bytes], clock: Clock) -> None:
        self._stdin = stdin
        self._clock = clock
        self._begun = False
        self._stops = 0
        self._beat = -1
        self._heard = time.monotonic()

    def say(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # it has ended, and the reason is told
            self._stdin.write(data)
            self._stdin.flush()

    def follow(self, orders: dict[str, float]) -> bool:
        """Whether to go on."""
        now = time.monotonic()
        if orders["beat"] != self._beat:
            self._beat, self._heard = int(orders["beat"]), now
        if orders["over"] or now - self._heard > _SILENT_SECONDS:
            return False
        if orders["start"] and not self._begun:
            self._begun = True
            self.say(frame(orders["start"] + self._clock.ahead))
        if self._begun and orders["stops"] > self._stops:
            self.say(STOP * int(orders["stops"] - self._stops))
            self._stops = int(orders["stops"])
        return True
