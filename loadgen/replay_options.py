"""The options that send recorded requests again."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from yarl import URL

from loadgen.arguments import LONGEST
from loadgen.option_group import OptionGroup, added
from loadgen.recorded import FORMATS, RecordingError, read_recording
from loadgen.replay import Replay

__all__ = ["ReplayOptions", "replay_options"]

# What the recording says itself.
_OF_OTHERS = (
    *("stage", "arrivals", "users", "phase_end", "requests_file"),
    *("method", "body_file", "query_file", "expect_body_regex"),
)
_FILE = click.Path(path_type=Path)


_OPTIONS = (
    click.option(
        "--replay",
        type=_FILE,
        help="Access log or HAR file whose requests are sent again to URL, http://HOST:PORT: when they were made, or "
        "at --rate. Without cookies, credentials and what is named like a secret; expected to be answered as then.",
    ),
    click.option(
        "--replay-format", type=click.Choice(tuple(FORMATS)), help="Of that file, instead of by its content."
    ),
    click.option(
        "--allow-writes", is_flag=True, help="Send recorded requests of other methods than GET and HEAD, too."
    ),
)
replay_options = added(_OPTIONS)


@dataclass(frozen=True, kw_only=True)
class ReplayOptions(OptionGroup):
    """What was given for them."""

    replay: Path | None
    replay_format: str | None
    allow_writes: bool

    def of_plan(
        self,
        context: click.Context,
        url: str,
        headers: tuple[tuple[str, str], ...],
        expect_status: tuple[int, ...],
        arrivals: Mapping[str, Any],
    ) -> dict[str, Any]:
        """What a plan has of them. Raises click.UsageError.

        Args:
            context: Of the command: which options were given.
            url: Where the requests go.
            headers: Added to each.
            expect_status: The right statuses, if they were given.
            arrivals: What the plan has of the options about these.
        """

        def given(name: str) -> bool:
            return context.get_parameter_source(name) is ParameterSource.COMMANDLINE

        if self.replay is None:
            if option := next((name for name in ("replay_format", "allow_writes") if given(name)), None):
                raise click.UsageError(f"--{option.replace('_', '-')} is for --replay")
            return {}
        if other := next((name for name in _OF_OTHERS if given(name)), None):
            raise click.UsageError(
                f"--replay and --{other.replace('_', '-')}: the recording says what is sent when"
            )
        if URL(url).raw_path_qs != "/" or URL(url).raw_fragment:
            raise click.BadParameter(
                "its paths are in the recording: give http://HOST:PORT", param_hint="URL"
            )
        try:
            recording = read_recording(self.replay, form=self.replay_format, allow_writes=self.allow_writes)
        except OSError as problem:
            raise click.BadParameter(f"{self.replay}: {problem.strerror}", param_hint="'--replay'") from None
        except RecordingError as problem:
            raise click.BadParameter(f"{self.replay}: {problem}", param_hint="'--replay'") from None
        expected = expect_status if given("expect_status") else None
        replay = Replay(recording, url.rstrip("/"), headers, expected)
        plan: dict[str, Any] = {"mix": replay, "replayed": recording.notes}
        longest = arrivals["duration"] if given("duration") else LONGEST
        if given("rate"):
            rate = arrivals["rate"]
            return plan | {"rate": rate, "duration": min(longest, len(replay.times) / rate)}
        times = replay.times[: bisect.bisect_left(replay.times, longest)]
        # As long after the last request as they are apart.
        duration = min(
            longest,
            (times[-1] * len(times) / (len(times) - 1) if times[-1] else 1.0) if len(times) > 1 else 1.0,
        )
        return plan | {"rate": len(times) / duration, "duration": duration, "times": times}
