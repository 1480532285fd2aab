"""Load from hosts of an inventory: puts the loader there, starts a Dask worker on each, and lets the loader send."""
