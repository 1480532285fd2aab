"""Hosts in groups: the forms of inventory files, and pyinfra's connector."""
