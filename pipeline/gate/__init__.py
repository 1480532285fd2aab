"""A verdict on traffic that exists, while it happens: polls series, fails early, passes at its planned end."""
