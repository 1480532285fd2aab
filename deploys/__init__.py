"""pyinfra files: each runs alone, `pyinfra inventory.ini deploys/NAME.py`, from the directory above."""
