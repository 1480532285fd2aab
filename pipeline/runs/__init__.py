"""A run's directory: its typed run.json, its tables, its evidence, its verdict."""
