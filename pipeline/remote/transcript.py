"""What pyinfra's log tells: which operation runs, what a host reports, what failed and what it said last."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pipeline.remote.machine_fault import machine_fault

__all__ = ["HOST", "SUDO", "Failure", "Transcript"]

HOST: Final = "host: "  # begins the name of an operation that fails for its host's sake alone
SUDO: Final = "sudo"  # the operation of a host on which sudo asks for a password

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_HOST_LINE = re.compile(r"\[(?P<host>[^\]]+)\] ?(?P<text>.*)")
# What an operation ends with on one host; anything else on such a line is the words of a command that failed.
_ENDINGS = re.compile(r"(Success|No changes|Skipped)( on retry \d+)?$")
# Where to read on, on a host that may be gone soon, instead of what is wrong.
_POINTER = re.compile(r'complete log of this run|/_logs/|^See "systemctl status|npm help .* for more info')
_REPORT = re.compile(r"report: (\{.*\})")
_PROGRESS = re.compile(r"progress: (.*\S)")
_NPM = re.compile(r"npm (?:ERR!|error) (?!code |syscall |errno |path )(.*\S)", re.IGNORECASE)
_ERROR = re.compile(r"Error(: (?P<what>.*))?$")
_SSH_LOST = re.compile(r"Command socket/SSH error|SSH session not active")
# pyinfra asks for it on a terminal that is not there, and dies of that; sudo-rs says otherwise why it wants one.
_ASKED = "sudo password:"
# What a traceback says of an exception that has no words, and between two of them.
_NO_WORDS = re.compile(
    r".*<exception str\(\) failed>|During handling of the above .*|Traceback \(most recent .*"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """One operation that failed on one host.

    `operation` is empty before the first; `reason` is one line. `command`: the service's own command that failed, of
    those that install it; empty where it came to none. `machine`: what was said is a fault of the machine. `lost`: the
    SSH connection was lost meanwhile.
    """

    host: str
    operation: str
    reason: str
    unreachable: bool = False
    command: str = ""
    machine: bool = False
    lost: bool = False


@dataclass(slots=True)
class Transcript:
    """Reads pyinfra's log line by line.

    `failures` is in the log's order. `last` is the last line that is not blank. `operation` is the one under way, and
    `words` is what the commands of each host said in it. `progress` is what the line read last says a long operation is
    at, or empty. `connecting` is true while pyinfra connects to the hosts.
    `reports` holds by host the documents that its deploy logged as `[host] report: {json}`.

    >>> t = Transcript()
    >>> for line in ["--> Starting operation: service start: run", "    [blue] no such file",
    ...              "    [blue] Error: executed 0 commands"]:
    ...     _ = t.read(line)
    >>> [(failure.host, failure.operation, failure.reason) for failure in t.failures]
    [('blue', 'service start: run', 'no such file')]
    """

    failures: list[Failure] = field(default_factory=list)
    operation: str = ""
    progress: str = ""
    last: str = ""
    connecting: bool = False
    words: dict[str, list[str]] = field(default_factory=dict)
    reports: dict[str, list[Mapping[str, object]]] = field(default_factory=dict)

    @property
    def unreachable(self) -> bool:
        """A host could not be connected to, and the others have been tried."""
        return not self.connecting and any(f.unreachable for f in self.failures)

    def read(self, line: str) -> str:
        """Take one line. Gives the name of the operation that starts with it, or nothing."""
        text, self.progress = _COLOUR.sub("", line).strip(), ""
        if not text:
            return ""
        if text.startswith("-->"):
            return self._header(text.removeprefix("-->").strip())
        if not _NO_WORDS.fullmatch(text):
            self.last = text
        match = _HOST_LINE.fullmatch(text)
        if match:
            self._host_line(match["host"], match["text"].strip())
        return ""

    def _header(self, text: str) -> str:
        self.connecting = text.startswith("Connecting to hosts")
        name = re.match(r"Starting (?:[a-z ]+ )?operation: (.*)", text)
        if name:
            # pyinfra puts the file in front of what an included one does.
            self.operation, self.words = name[1].rpartition(" | ")[2], {}
            return self.operation
        error = re.match(r"(?:pyinfra|Operation|Argument|Connector|Local IO|unknown).*error[^:]*: (.*)", text)
        if error:
            # Hosts that failed have told why; this line then only counts them.
            self.last = error[1]
        return ""

    def _host_line(self, host: str, text: str) -> None:
        if text == _ASKED:
            self.failures.append(Failure(host, SUDO, "sudo asks for a password"))
            return
        if self.connecting:
            if not text.startswith("Connected") and not text.startswith("No host key"):
                self.failures.append(Failure(host, "", text, unreachable=True))
            return
        error, report, progress = (pattern.fullmatch(text) for pattern in (_ERROR, _REPORT, _PROGRESS))
        if progress:
            self.progress = progress[1]
        elif report:
            self._report(host, report[1])
        elif error:
            words = self.words.pop(host, [])
            reason = _why(words) or error["what"] or "it says no more"
            fault = machine_fault([*words, reason])
            if fault and not machine_fault([reason]):
                reason = f"{reason} ({fault})"
            self.failures.append(
                Failure(
                    host,
                    self.operation,
                    reason,
                    command=_command(words),
                    machine=bool(fault),
                    lost=bool(_SSH_LOST.search(reason)),
                )
            )
        elif text and not _ENDINGS.fullmatch(text) and not _POINTER.search(text):
            # The install script says each command before it runs it: what came before was another's.
            words = self.words.setdefault(host, [])
            words[:] = [text] if text.startswith("+ ") else [*words[-200:], text]

    def _report(self, host: str, text: str) -> None:
        try:
            found = json.loads(text)
        except ValueError:
            return  # whatever printed this, it was no deploy of ours
        self.reports.setdefault(host, []).append(found)


def _command(words: list[str]) -> str:
    """The command whose output this is, where the install script said it first."""
    return words[0].removeprefix("+ ") if words and words[0].startswith("+ ") else ""


def _why(words: list[str]) -> str:
    """The line of a failed command's output that most likely says why: the last, but with npm the first.

    >>> _why(["+ npm ci", "npm ERR! code E404", "npm ERR! 404 Not Found - GET http://r/x", "npm ERR! 404"])
    'npm ci: 404 Not Found - GET http://r/x'
    """
    command = _command(words)
    said = words[1:] if command else words
    npm = next((match[1] for match in map(_NPM.match, said) if match), "")
    reason = npm or (said[-1] if said else "")
    return f"{command}: {reason or 'it failed without a word'}" if command else reason
