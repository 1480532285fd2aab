"""What people type: a file a command, no logic."""
