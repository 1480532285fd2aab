"""Open-loop HTTP load that tells the truth about its own timing. Stands alone: `python -m loadgen --help`."""
