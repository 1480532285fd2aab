"""What every other room may use: errors, text, units, files, places, locks, child processes, signals, the console."""
