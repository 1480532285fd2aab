"""`pipeline` and `python -m pipeline`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from pipeline.base.streams import lost_output, outlast_readers

    outlast_readers()
    from pipeline.cli.root import run

    code = run(sys.argv[1:])
    if why := lost_output():
        from pipeline.base.errors import EnvironmentError_
        from pipeline.cli.root import tell

        told = tell(EnvironmentError_(f"standard output could not be written: {why}"), as_json=False)
        code = code or told  # a verdict stays what it is
    sys.exit(code)


if __name__ == "__main__":
    main()
