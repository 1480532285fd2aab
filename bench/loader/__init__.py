"""The loader beside its peers, in turn, in one go: `python -m bench.loader --help`."""
