"""locust: two users that wait for each answer, and a request log, which locust itself does not write."""

import csv
import os
from pathlib import Path
from typing import Any

from locust import HttpUser, constant_throughput, events, task

_BODY = Path(__file__).with_name("request.json").read_bytes()
_COLUMNS = ("start_time", "response_time", "request_type", "name", "response_length", "status_code", "exception")


class Visitor(HttpUser):
    wait_time = constant_throughput(10)

    @task
    def preview(self) -> None:
        self.client.post("/preview", data=_BODY, headers={"Content-Type": "application/json"})


@events.init.add_listener
def log_requests(**_: Any) -> None:
    file = open(os.environ["REQUEST_LOG"], "w", newline="", buffering=1)
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(_COLUMNS)

    @events.request.add_listener
    def log(
        start_time: float, response_time: float, request_type: str, name: str, response_length: int,
        response: Any, exception: Any, **_: Any,
    ) -> None:
        status = getattr(response, "status_code", 0) or 0
        rows.writerow((start_time, response_time, request_type, name, response_length, status, exception or ""))
