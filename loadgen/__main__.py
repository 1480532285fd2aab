"""`python -m loadgen`."""

import signal
import sys

try:
    from loadgen.cli import main
except KeyboardInterrupt:  # Ctrl-C so early that nothing has begun
    sys.exit(130)

if __name__ == "__main__":
    code = main()
    # All is written and told: a second Ctrl-C, as Python ends, would take the place of the exit code.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)
