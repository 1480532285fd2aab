"""`pipeline judge --prometheus` with Spinnaker's configuration: by Kayenta's rules, by ours, or by both."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.base.errors import ConfigError
from pipeline.base.table import terminal_width
from pipeline.cli.judge_series import Series, refuse

__all__ = ["asks_by_scopes", "judge_scopes"]


def asks_by_scopes(which: str, config: Path | None) -> bool:
    """Whether the configuration is Spinnaker's: what Kayenta's judge is given, and by its keys what our own is."""
    if config is None or which != "pipeline":
        return config is not None
    from pipeline.series.spinnaker import is_spinnakers

    try:
        return is_spinnakers(config)
    except ConfigError:
        return False  # whoever reads it next says why it cannot be read


def judge_scopes(
    which: str,
    series: Series,
    scores: tuple[float | None, float | None],
    written: Mapping[str, Any],
    *,
    as_json: bool,
) -> int:
    """Asks for both versions' series, judges them, prints the verdict and gives the exit code.

    Args:
        which: kayenta, pipeline or both; of both the exit code is our judge's.
        series: The configuration, the server, the scopes and the windows.
        scores: What passes and what is marginal; None: as the configuration says.
        written: Where our verdict is written besides stdout: the values of OUTPUT_OPTIONS.
        as_json: Whether to print JSON.

    Raises:
        UsageError: What was given does not go together, or cannot be read.
        EnvironmentError_: The server does not answer.
    """
    refuse({"--baseline": series.baseline, "--canary": series.canary}, "does not go with --prometheus")
    ours_alone = {"--keep": series.keep, "--set": series.sets or None}
    refuse(ours_alone, "does not go with Spinnaker's canary configuration")
    if which == "kayenta":
        refuse({"--planned": series.planned}, "is for --judge pipeline and both")
    from pipeline.cli.outputs import outputs_of
    from pipeline.cli.show import echo_verdict, exit_code, series_record, show_series_verdict
    from pipeline.judge import judge
    from pipeline.kayenta import report as kayenta
    from pipeline.kayenta import side_by_side
    from pipeline.kayenta.asked import load_asked
    from pipeline.kayenta.from_prometheus import ask
    from pipeline.kayenta.judge import judge_pairs
    from pipeline.kayenta.own_case import own_case
    from pipeline.kayenta.scopes import parse_scopes
    from pipeline.report import jsonout, terminal

    asked = load_asked(series.config or Path(), parse_scopes(series.scopes))
    thresholds, planned = asked.config.thresholds(*scores), series.length()
    outputs = outputs_of(written) if which == "pipeline" else None
    with series.client() as client:
        answered = ask(asked, client, series.times, now=time.time(), planned=planned)
    if which != "kayenta":
        own = own_case(asked, thresholds, answered, typed=bool(series.times), planned=planned)
        verdict = judge(own.case.evidence, own.case.rules, own.case.policy)
        if which == "pipeline":
            return show_series_verdict(own.case, verdict, as_json=as_json, outputs=outputs)
    color, width = terminal.wants_color(sys.stdout), terminal_width()
    pairs = [pair for one in answered for pair in one.metric_pairs()]
    theirs = judge_pairs(asked.config, thresholds, pairs, [note for one in answered for note in one.notes()])
    if which == "kayenta":
        text = kayenta.render_json(theirs) if as_json else kayenta.render(theirs, color=color, width=width)
        outcome = theirs.outcome
    else:
        both, outcome = side_by_side.Both(theirs, verdict, own.names), verdict.outcome
        if as_json:
            text = side_by_side.render_json(both, jsonout.render(verdict, series_record(own.case)))
        else:
            text = side_by_side.render(both, color=color, width=width)
    echo_verdict(text, as_json=as_json, color=color)
    return exit_code(outcome)
