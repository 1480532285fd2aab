"""What every other room may use: errors with exits, text, units, files, places, lock, interrupt, console."""
