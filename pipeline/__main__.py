"""`pipeline` and `python -m pipeline`."""

from __future__ import annotations

import sys

from pipeline.base.signals import hold_signals, ignore_signals

__all__ = ["main"]


def main() -> None:
    """Run the command line and end the process with its exit code."""
    hold_signals()  # `run` lets them through, once it can end in order
    from pipeline.base.streams import lost_output, outlast_readers

    outlast_readers()
    from pipeline.base.errors import EnvironmentError_, Interrupted
    from pipeline.cli.root import run, tell

    try:
        code = run(sys.argv[1:])
        ignore_signals()
    except KeyboardInterrupt:  # as the last step ended; only the first signal raises
        ignore_signals()
        code = tell(Interrupted("interrupted"), as_json="--json" in sys.argv[1:])
    if why := lost_output():
        told = tell(EnvironmentError_(f"standard output could not be written: {why}"), as_json=False)
        code = code or told  # a verdict stays what it is
    sys.exit(code)


if __name__ == "__main__":
    main()
