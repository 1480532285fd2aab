"""The options that say where a verdict is written besides stdout, the same for every command that gives one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.cli.extras import require_extra

if TYPE_CHECKING:
    from pipeline.report.outputs import Outputs

__all__ = ["OUTPUT_OPTIONS", "output_options", "outputs_of"]

_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_FILES: Final = {
    "html": "The page, as one HTML file that needs nothing else.",
    "junit": "JUnit's XML, which CI servers read.",
    "summary": "Markdown, such as for $GITHUB_STEP_SUMMARY or a comment.",
    "json-file": "What --json prints.",
}
OUTPUT_OPTIONS: Final = (*(f"--{name}" for name in _FILES), "--annotations")


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--html, --junit, --summary, --json-file and --annotations."""
    command = click.option(
        "--annotations",
        type=click.Choice(["github", "off"]),
        help="Annotations for a CI job's page.  [default: github where GITHUB_ACTIONS is true]",
    )(command)
    for name, says in reversed(_FILES.items()):
        command = click.option(f"--{name}", type=_FILE, metavar="FILE", help=f"Write the verdict: {says}")(
            command
        )
    return command


def outputs_of(given: Mapping[str, Any]) -> Outputs:
    """The values of `OUTPUT_OPTIONS` by option; the files are seen to be such as can be written. Raises UsageError."""
    from pipeline.report.annotations import on_github
    from pipeline.report.outputs import Outputs

    if given["--html"] is not None:
        require_extra("report")  # the judge alone has no templates
    annotations = given["--annotations"]
    outputs = Outputs(
        **{name.replace("-", "_"): given[f"--{name}"] for name in _FILES},
        annotate=on_github(os.environ) if annotations is None else annotations == "github",
    )
    outputs.prepare()
    return outputs
