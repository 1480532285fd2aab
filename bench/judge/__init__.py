"""What the judge keeps of what it promises, on simulated runs: `python -m bench.judge` prints the tables."""
