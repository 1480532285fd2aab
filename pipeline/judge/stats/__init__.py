"""Arrays in, bounds out; nothing here knows a metric."""
