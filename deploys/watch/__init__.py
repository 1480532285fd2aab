"""Monitoring: exporters on the hosts; tunnels, Prometheus and the page on the monitor."""
