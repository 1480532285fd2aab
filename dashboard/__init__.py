"""The dashboard: panels.yml describes it once, for its own page (site/) and for Grafana."""
