"""What is made from panels.yml: the file that the page reads, and a dashboard for Grafana.

    python -m dashboard.generate [-o FILE]

writes Grafana's dashboard, to be imported there, to FILE or to standard output. The page's file is made by the deploy
of the monitor. Neither is kept in the repository, so that neither can be out of date.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from dashboard.grafana import dashboard
from dashboard.panels import PanelsError, load

__all__ = ["grafana_json", "main", "page_json"]


def page_json() -> str:
    """The text of panels.json, which the page reads. PanelsError when panels.yml is wrong."""
    return _text(load().model_dump(mode="json", exclude_none=True))


def grafana_json() -> str:
    """The text of a file that Grafana imports. PanelsError when panels.yml is wrong."""
    return _text(dashboard(load()))


def _text(data: object) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write Grafana's dashboard; 0, or 2 when panels.yml is wrong or FILE cannot be written."""
    parser = argparse.ArgumentParser(
        prog="python -m dashboard.generate", description="Makes Grafana's dashboard from panels.yml."
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    options = parser.parse_args(arguments)
    try:
        text = grafana_json()
        if options.output:
            options.output.write_text(text, encoding="utf-8")
        else:
            sys.stdout.write(text)
    except PanelsError as error:
        print(error, *error.problems, sep="\n  ", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
