"""How often the judge errs and what it finds, on simulated runs: `python -m bench.judge` prints the tables."""
