"""What is read from the exporters. The text is as node-exporter 1.5 and process-exporter 0.7 print it."""

from __future__ import annotations

from pipeline.canary.health import read_sample

NODE = """\
# TYPE node_cpu_seconds_total counter
node_cpu_seconds_total{cpu="0",mode="idle"} 1000
node_cpu_seconds_total{cpu="0",mode="iowait"} 5
node_cpu_seconds_total{cpu="0",mode="system"} 10.5
node_cpu_seconds_total{cpu="0",mode="user"} 20.25
# TYPE node_memory_MemAvailable_bytes gauge
node_memory_MemAvailable_bytes 4e+08
# TYPE node_memory_MemTotal_bytes gauge
node_memory_MemTotal_bytes 5.36870912e+08
# TYPE node_load1 gauge
node_load1 0.25
# TYPE node_systemd_service_restart_total counter
node_systemd_service_restart_total{name="canary.service"} 3
"""
PROCESS = """\
# TYPE namedprocess_namegroup_cpu_seconds_total counter
namedprocess_namegroup_cpu_seconds_total{groupname="canary",mode="system"} 1.5
namedprocess_namegroup_cpu_seconds_total{groupname="canary",mode="user"} 2
namedprocess_namegroup_cpu_seconds_total{groupname="root",mode="user"} 99
# TYPE namedprocess_namegroup_memory_bytes gauge
namedprocess_namegroup_memory_bytes{groupname="canary",memtype="resident"} 6e+07
namedprocess_namegroup_memory_bytes{groupname="canary",memtype="virtual"} 1e+09
# TYPE namedprocess_namegroup_num_threads gauge
namedprocess_namegroup_num_threads{groupname="canary"} 11
# TYPE namedprocess_namegroup_open_filedesc gauge
namedprocess_namegroup_open_filedesc{groupname="canary"} 24
"""


def test_a_sample_holds_the_hosts_and_the_services_values() -> None:
    assert read_sample(NODE, PROCESS) == {
        "host_cpu_seconds": 30.75,  # neither idle nor waiting for the disk is work
        "host_memory": 536870912 - 4e8,
        "host_load1": 0.25,
        "service_restarts": 3,
        "service_cpu_seconds": 3.5,
        "service_memory": 6e7,
        "service_threads": 11,
        "service_fds": 24,
    }


def test_a_service_that_does_not_run_has_no_values_rather_than_zeros() -> None:
    assert not [
        name for name in read_sample(NODE, "") if name.startswith("service_") and name != "service_restarts"
    ]
