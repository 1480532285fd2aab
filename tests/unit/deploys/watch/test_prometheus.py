"""The configuration of Prometheus and of Alertmanager."""

from __future__ import annotations

import pytest
import yaml
from pyinfra.api.exceptions import DeployError

from deploys.watch import prometheus, scraped


def test_prometheus_asks_each_job_and_says_who_is_watched_in_its_files() -> None:
    told = yaml.safe_load(prometheus.configuration(scraped.targets([], "monitor"), 5))
    assert told["global"]["scrape_interval"] == "5s"
    jobs = {job["job_name"]: job for job in told["scrape_configs"]}
    assert set(jobs) == {*scraped.JOBS, "prometheus", "alertmanager"}
    assert jobs["node"]["file_sd_configs"] == [{"files": ["/etc/prometheus/targets/node.json"]}]


def test_alerts_go_no_further_than_the_page_unless_there_is_an_address() -> None:
    assert yaml.safe_load(prometheus.receiver(""))["receivers"] == [{"name": "page"}]
    (there,) = yaml.safe_load(prometheus.receiver("https://example.org/hook?a=b"))["receivers"]
    assert there["webhook_configs"] == [{"url": "https://example.org/hook?a=b"}]
    for bad in ("hook.test", "file:///etc/passwd", "https://x/ y", "https:///x"):
        with pytest.raises(DeployError, match="alert_webhook") as caught:
            prometheus.receiver(bad)
        assert bad not in str(caught.value)
