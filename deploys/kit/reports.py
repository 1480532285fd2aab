"""Commands whose outcome goes to the log: what they found out on success, why they failed otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from pyinfra import logger
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS
from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.host import Host
from pyinfra.api.state import State
from pyinfra.connectors.util import CommandOutput
from pyinfra.context import host

__all__ = ["live", "progress", "reporting", "run_now", "tell"]

_REPORT = re.compile(r"report: (\{.*\})")


def run_now(command: StringCommand, *, shown: bool = False) -> tuple[bool, CommandOutput]:
    """Run `command` inside an operation, as that operation's user, without counting as its change.

    `shown`: each line of its output is printed as it comes.
    """
    arguments = cast(Mapping[str, Any], host.current_op_global_arguments or {})
    given = {key: arguments[key] for key in CONNECTOR_ARGUMENT_KEYS if key in arguments}
    return host.run_shell_command(command, print_output=shown, **{**given, **command.connector_arguments})


def tell(report: Mapping[str, object]) -> None:
    """Log `[host] report: {json}`, one line, which the caller of the deploy may collect."""
    host.log(f"report: {json.dumps(report)}", log_func=logger.info)


def progress(said: str) -> None:
    """Log `[host] progress: SAID`, what a long step is at, which the caller of the deploy may show."""
    host.log(f"progress: {said}", log_func=logger.info)


def live(command: StringCommand) -> FunctionCommand:
    """`command`, counted as a change; its output is printed as it comes, whether it fails or not."""

    def run_and_show(state: State, host: Host) -> bool:  # noqa: ARG001 pyinfra looks for exactly these names
        return run_now(command, shown=True)[0]

    return FunctionCommand(run_and_show, (), {})


def reporting(command: StringCommand) -> FunctionCommand:
    """`command`, counted as a change; its lines `report: {json}` are logged, and all its lines if it fails."""

    def run_and_tell(state: State, host: Host) -> bool:  # noqa: ARG001 pyinfra looks for exactly these names
        done, output = run_now(command)
        for line in output.output_lines:
            report = _REPORT.fullmatch(line)
            if report:
                tell(json.loads(report[1]))
            elif not done:
                host.log_styled(line, log_func=logger.error, fg="red")
        return done

    return FunctionCommand(run_and_tell, (), {})
