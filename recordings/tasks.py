"""What is recorded: the tasks of the project, each a few commands typed into one session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

__all__ = ["TASKS", "Beside", "Open", "Task", "typed"]


Beside = Literal["prometheus", "service"]


@dataclass(frozen=True, slots=True)
class Open:
    """A command that stays until Ctrl-C, and what is typed while it runs; `{address}` there is the one it told."""

    command: str
    meanwhile: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One recording: its file's name without .cast, its title, what is typed, the exit status of the last step.

    `{checkbox}` and `{itrust}` in a step stand for the options that name the repository, with a leading space.
    `noise`: an exit status after which it is recorded once more. `beside`: what it needs besides: "prometheus", one
    with two versions, at $PROMETHEUS (recordings/watched.py); "service", a server at $SERVICE (recordings/served.py).
    """

    name: str
    title: str
    steps: tuple[str | Open, ...]
    status: int = 0
    noise: int | None = None
    beside: Beside | None = None


TASKS: Final = (
    Task(
        "prod-up",
        "prod up: three hosts on this machine, the monitor among them",
        ("pipeline prod up --cloud vagrant --yes", "pipeline prod status --cloud vagrant"),
    ),
    Task(
        "deploy-checkbox",
        "deploy checkbox.io, and once more: nothing to change",
        ("pipeline deploy checkbox.io -i inventory.ini{checkbox}",) * 2,
    ),
    Task(
        "deploy-itrust",
        "deploy iTrust, and once more: nothing to change",
        ("pipeline deploy iTrust -i inventory.ini{itrust}",) * 2,
    ),
    Task(
        "verify",
        "verify both applications",
        ("pipeline verify checkbox.io -i inventory.ini", "pipeline verify iTrust -i inventory.ini"),
    ),
    Task(
        "canary-failed",
        "canary master broken: fails",
        (
            "# 30 s on each version; without --duration it is 5 minutes",
            "pipeline canary master broken --duration 30s --warmup 10s",
        ),
        status=10,
    ),
    Task(
        "canary-passed",
        "canary master master: passes",
        (
            "# both in turns, up to 4 minutes each; it stops when enough is known",
            "pipeline canary master master --schedule interleaved --duration 4m --warmup 10s --early-stop both",
        ),
        noise=11,  # of equal versions half a minute on a busy machine may be inconclusive; never failed
    ),
    Task(
        "gate-failed",
        "gate: errors of a canary among its users' requests end it",
        (
            "cat canary.yml",
            "# both versions have users; 1.5.0 answers every second request with a 500",
            "pipeline gate --config canary.yml --prometheus $PROMETHEUS --for 30m --on-fail 'echo rolling back'",
        ),
        status=10,
        beside="prometheus",
    ),
    Task(
        "loader",
        "the loader alone: a service that stands still for 0.4 s every 4 s",
        (
            "# the service stands still for 0.4 s every 4 s",
            "python -m loadgen $SERVICE --rate 200 --duration 10s",
            "# from 100 to 1,000 requests a second; no more than one in 20 may take longer than 50 ms",
            "python -m loadgen $SERVICE --stage 6s@100..1000 --stage 4s@1000 --fail-if 'p95>50ms'",
        ),
        status=5,
        beside="service",
    ),
    Task(
        "dashboard",
        "prod open: the dashboard, and what it reads",
        (
            Open(
                "pipeline prod open --no-browser",
                (
                    "curl -s {address} | grep -o '<title>.*</title>'",
                    "# do both applications answer at their public address? what the page asks Prometheus",
                    "curl -s '{origin}/prometheus/api/v1/query?query=probe_success' | python3 -m json.tool",
                    "# the canaries that ran",
                    "curl -s '{origin}/prometheus/api/v1/query?query=pipeline_canary_timestamp_seconds'"
                    ' | grep -o \'"verdict":"[a-z]*"\'',
                ),
            ),
        ),
    ),
)


def typed(task: Task, repositories: dict[str, str], told: tuple[str, ...]) -> Task:
    """`task` with the options that name the repositories filled in, and the comments of `told` before its steps.

    `repositories` gives for `checkbox` and `itrust` options with a leading space, or nothing.
    """
    steps: list[str | Open] = list(told)
    for step in task.steps:
        if isinstance(step, str):
            for name, options in repositories.items():
                step = step.replace(f"{{{name}}}", options)
        steps.append(step)
    return replace(task, steps=tuple(steps))
