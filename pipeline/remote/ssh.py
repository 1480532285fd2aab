"""One OpenSSH master connection a host: commands and forwarded sockets share it.

OpenSSH itself, not a library, because it reads what people already have (their config, agent, jump hosts), and
because it forwards a remote port or UNIX socket to a *local UNIX socket*: one inside a directory of mode 0700 can be
used by nobody else on this machine, which a forwarded local port could.
See ssh_config(5): ControlMaster, LocalForward, StreamLocalBindUnlink, ServerAliveInterval.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pipeline.base.child import tied
from pipeline.base.errors import HostError
from pipeline.base.text import last_line
from pipeline.inventory.hosts import Host

__all__ = ["Completed", "Connection", "become_ssh", "ssh_arguments"]

_CONNECT_SECONDS = 10
_COMMAND_SECONDS = 30
_END_SECONDS = 3
_NO_MESSAGE = "no message"
_LOOPBACK = "127.0.0.1"
_TRIES = 5
_FORWARDS = "its sshd must permit it: AllowTcpForwarding yes in /etc/ssh/sshd_config"


def ssh_arguments(host: Host, known_hosts: Path) -> list[str]:
    """The options and destination that reach `host`, for `ssh`; without a program name or a command.

    `known_hosts` is a file for host keys, unless the host names one itself; a lab has its own, for a host that was
    built anew must not clash with the user's.
    """
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": _CONNECT_SECONDS,
        "StrictHostKeyChecking": "accept-new",
        # three silent intervals mean the host is gone: 6 s, well within a minute of its death
        "ServerAliveInterval": 2,
        "ServerAliveCountMax": 3,
        "LogLevel": "ERROR",
        "UserKnownHostsFile": f'"{(host.known_hosts or known_hosts).resolve()}"',
    }
    key = ["-i", str(host.key), *_options({"IdentitiesOnly": "yes"})] if host.key is not None else []
    return [*_options(options), *key, "-p", str(host.port), "-l", host.user, "--", host.address]


def _options(settings: Mapping[str, object]) -> list[str]:
    """Settings of ssh_config(5) as arguments."""
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def become_ssh(arguments: Sequence[str], command: Sequence[str]) -> NoReturn:
    """Replace this process by ssh, so that the terminal and the exit code are its own: a shell, or `command` there."""
    # As they are, like ssh itself: one word with blanks (`'ls /'`) is a line for the shell there.
    os.execvp(arguments[0], [*arguments, *command])  # noqa: S606 - see above


@dataclass(frozen=True, slots=True)
class Completed:
    """A remote command that ended: its exit status and what it printed."""

    status: int
    stdout: str
    stderr: str


class Connection:
    """A master connection to one host. `directory` is private (0700) and short: UNIX socket paths end at 108 bytes."""

    def __init__(self, host: Host, directory: Path, known_hosts: Path) -> None:
        self.host = host
        self._directory = directory
        self._known_hosts = known_hosts
        self._control = directory / f"{host.name[:20]}.ctl"
        self._master: asyncio.subprocess.Process | None = None
        self._forwards: dict[str, str] = {}

    async def open(self, forwards: Mapping[str, str]) -> None:
        """Connect, and forward each remote `address:port` or socket path to the local socket named by its key.

        Raises HostError with ssh's own last line when the host refuses.
        """
        self._forwards = dict(forwards)
        arguments: list[str] = []
        for name, remote in forwards.items():
            arguments += ["-L", f"{self.socket(name)}:{remote}"]
        settings = {"StreamLocalBindUnlink": "yes", "ExitOnForwardFailure": "yes", "ControlPersist": "no"}
        master = ["ssh", "-M", "-N", "-S", str(self._control), *_options(settings), *arguments]
        self._master = await asyncio.create_subprocess_exec(
            *tied([*master, *ssh_arguments(self.host, self._known_hosts)]),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C on the terminal is ours to handle, not ssh's
        )
        deadline = asyncio.get_running_loop().time() + _CONNECT_SECONDS + 5
        # the control socket appears only once the session is authenticated
        while not self._control.exists():
            if self._master.returncode is not None:
                raise await self._refused()
            if asyncio.get_running_loop().time() > deadline:
                await self.close()
                raise HostError(
                    self.host.name,
                    f"no SSH within {_CONNECT_SECONDS} s at {self.host.address}:{self.host.port}",
                )
            await asyncio.sleep(0.02)

    def socket(self, name: str) -> Path:
        """The local end of the forward called `name`."""
        return self._directory / f"{self.host.name[:20]}-{name}"

    async def lend(self, port: int) -> int:
        """A port of the host's loopback that leads to `port` of this machine's. Raises HostError."""
        said = await self._forward("-R", f"{_LOOPBACK}:0:{_LOOPBACK}:{port}")
        if not said.isdecimal():
            raise HostError(
                self.host.name, f"SSH forwards no port there: {said or _NO_MESSAGE}", hint=_FORWARDS
            )
        return int(said)

    async def reach(self, port: int) -> int:
        """A port of this machine's loopback that leads to `port` of the host's. Raises HostError."""
        said = ""
        for _ in range(_TRIES):  # between finding a free port and taking it, another may be faster
            with socket.create_server((_LOOPBACK, 0)) as probe:
                here: int = probe.getsockname()[1]
            said = await self._forward("-L", f"{_LOOPBACK}:{here}:{_LOOPBACK}:{port}")
            if not said:
                return here
        raise HostError(self.host.name, f"SSH forwards no port of it: {said}", hint=_FORWARDS)

    async def _forward(self, kind: str, what: str) -> str:
        """Ask the master connection for one more forward; gives what is said of it."""
        process = await asyncio.create_subprocess_exec(
            *("ssh", "-S", str(self._control), "-O", "forward", kind, what),
            *ssh_arguments(self.host, self._known_hosts),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                out, _ = await process.communicate()
        except TimeoutError:
            return f"no answer within {_CONNECT_SECONDS} s"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return last_line(out.decode(errors="replace"), "")

    @property
    def alive(self) -> bool:
        """Whether the master still runs: it ends by itself when the host is silent for 6 s."""
        return self._master is not None and self._master.returncode is None

    async def reopen(self) -> None:
        """Connect again with the same forwards after the connection was lost."""
        await self.close()
        await self.open(self._forwards)

    async def run(
        self,
        command: Sequence[str],
        *,
        stdin: str = "",
        timeout_s: float = _COMMAND_SECONDS,
        check: bool = True,
    ) -> Completed:
        """Run a command on the host.

        Args:
            command: Its words; each arrives as it is.
            stdin: What it reads.
            timeout_s: The longest it may take, in seconds.
            check: Whether a status other than 0 is an error.

        Raises:
            HostError: It took too long; or, with `check`, failed: then with the last line that it wrote.
        """
        process = await self._start(command)
        try:
            # Not wait_for: in Python 3.11 that can swallow the end of this task, and with it Ctrl-C.
            async with asyncio.timeout(timeout_s):
                out, err = await process.communicate(stdin.encode())
        except TimeoutError:
            raise HostError(self.host.name, f"'{command[0]}' did not end within {timeout_s:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        done = Completed(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))
        if check and done.status != 0:
            raise HostError(
                self.host.name,
                f"'{shlex.join(command)}' ended with {done.status}: {last_line(done.stderr, _NO_MESSAGE)}",
            )
        return done

    @contextlib.asynccontextmanager
    async def started(
        self, command: Sequence[str], *, stderr: int = asyncio.subprocess.DEVNULL
    ) -> AsyncIterator[tuple[asyncio.StreamWriter, asyncio.StreamReader]]:
        """A command that goes on while it is used: its input and its output. Its connection is ended afterwards.

        `stderr` is where its complaints go; asyncio.subprocess.STDOUT: among its output.
        """
        process = await self._start(command, stderr=stderr)
        assert process.stdin is not None  # noqa: S101 - piped
        assert process.stdout is not None  # noqa: S101 - piped
        try:
            yield process.stdin, process.stdout
        finally:
            process.stdin.close()
            if process.returncode is None:
                process.terminate()
            await process.wait()

    async def _start(
        self, command: Sequence[str], *, stderr: int = asyncio.subprocess.PIPE
    ) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *tied(["ssh", "-S", str(self._control), *_options({"ControlMaster": "no"})]),
            *ssh_arguments(self.host, self._known_hosts),
            shlex.join(command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )

    async def journal(self, unit: str, *, lines: int = 2000, form: str = "short-iso") -> str:
        """The newest lines of a systemd unit's log; empty when there is none. `form` is journalctl's --output."""
        command = ["journalctl", "-u", unit, "-n", str(lines), "-o", form, "--no-pager"]
        return (await self.run(self.as_root(command), check=False)).stdout

    async def journal_end(self) -> str:
        """Where the host's journal ends now, for `journal_after`; empty where it cannot be told."""
        done = await self.run(self.as_root(["journalctl", "-n", "0", "--show-cursor"]), check=False)
        return done.stdout.partition("-- cursor: ")[2].strip()

    async def journal_after(self, end: str, unit: str, *, most: int) -> str:
        """A unit's log since `journal_end` gave `end`, from its beginning: at most `most` bytes of it."""
        words = [
            "journalctl",
            "-u",
            unit,
            "-o",
            "short-iso",
            "--no-pager",
            *([f"--after-cursor={end}"] if end else []),
        ]
        command = ["sh", "-c", f"{shlex.join(words)} | head -c {most}"]
        return (await self.run(self.as_root(command), check=False)).stdout

    def as_root(self, command: Sequence[str]) -> list[str]:
        """The same command with root's rights there: through sudo, which asks nothing, unless we are root already."""
        return list(command) if self.host.user == "root" else ["sudo", "-n", *command]

    async def close(self) -> None:
        """End the connection and its forwards; safe to call at any time."""
        master, self._master = self._master, None
        if master is not None and master.returncode is None:
            master.terminate()
            try:
                async with asyncio.timeout(_END_SECONDS):
                    await master.communicate()
            except TimeoutError:
                master.kill()
                await master.communicate()
        with contextlib.suppress(FileNotFoundError):
            self._control.unlink()

    async def _refused(self) -> HostError:
        master, self._master = self._master, None
        assert master is not None  # noqa: S101 - only called while it exists
        assert master.stderr is not None  # noqa: S101 - piped in open()
        said = (await master.stderr.read()).decode(errors="replace")
        return HostError(
            self.host.name,
            f"SSH to {self.host.user}@{self.host.address}:{self.host.port} failed: {last_line(said, _NO_MESSAGE)}",
            hint="pipeline lab status",
        )
