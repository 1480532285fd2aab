"""Any two sets of series as evidence for the judge: from a Prometheus or from CSV files, by a configuration."""
