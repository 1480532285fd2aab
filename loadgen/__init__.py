"""An open-loop HTTP load generator that also measures its own delays. Runs alone: `python -m loadgen --help`."""
