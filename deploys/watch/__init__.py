"""What the monitor sees with: exporters, tunnels, Prometheus, the page."""
