"""Writes what is made from panels.yml: python -m dashboard.generate

site/panels.json is what the page reads, grafana.json is what Grafana imports. Both stand in the repository, so that
a deploy copies files and needs nothing of this.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dashboard.grafana import dashboard
from dashboard.panels import HERE, load
from pipeline.base.errors import ConfigError

__all__ = ["generated", "main"]


def generated() -> dict[Path, str]:
    """The text of each file that is made, by its path. ConfigError when panels.yml is wrong."""
    described = load()
    page = described.model_dump(mode="json", exclude_none=True)
    return {
        HERE / "site" / "panels.json": _text(page),
        HERE / "grafana.json": _text(dashboard(described)),
    }


def _text(data: object) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the files; 0, or 2 when panels.yml is wrong."""
    try:
        files = generated()
    except ConfigError as error:
        print(error.message, *error.problems, sep="\n  ", file=sys.stderr)
        return 2
    for path, text in files.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(HERE)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
