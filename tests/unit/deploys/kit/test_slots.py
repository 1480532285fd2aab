"""The unit of an application's slots."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from deploys.kit.places import TEMPLATES
from deploys.kit.slots import unit_text


def test_the_unit_runs_exactly_the_command_in_the_release_of_its_slot() -> None:
    text = unit_text("shop", ["bin/serve", "100%", "$HOME"], directory="site", after=["db.service"])
    assert 'ExecStart="/srv/shop/slots/%i/release/bin/serve" "100%%" "$$HOME"\n' in text
    assert "WorkingDirectory=/srv/shop/slots/%i/release/site\n" in text
    assert "After=network-online.target db.service\n" in text


@pytest.mark.parametrize(
    ("given", "action"), [("back=no", "deploy"), ("back=yes", "rollback"), ("", "deploy")]
)
def test_the_monitors_mark_says_whether_it_was_a_deploy_or_a_rollback(
    tmp_path: Path, given: str, action: str
) -> None:
    functions = (
        (TEMPLATES / "mark.sh").read_text().replace("/var/lib/prometheus/node-exporter", str(tmp_path))
    )
    subprocess.run(["sh", "-eu", "-c", f"app=shop; {given}\n{functions}\nmark a1b2 1234"], check=True)
    line = (tmp_path / "pipeline_shop.prom").read_text().splitlines()[-1]
    assert line == f'pipeline_deploy_timestamp_seconds{{app="shop",release="a1b2",action="{action}"}} 1234'


# Of the real iTrust2 v7, shortened.
_JAVA = """\
13:57:26.913 [DBKeepAlive_Thread] INFO  org.hibernate.cfg.Environment - HHH000021: Bytecode provider name : javassist
java.io.FileNotFoundException: src/main/java/db.properties (No such file or directory)
\tat java.base/java.io.FileInputStream.open0(Native Method)
Initial SessionFactory creation failed.org.hibernate.service.spi.ServiceException: Unable to create requested service
Exception in thread "DBKeepAlive_Thread" java.lang.ExceptionInInitializerError
\tat edu.ncsu.csc.itrust2.utils.HibernateUtil.buildSessionFactory(HibernateUtil.java:42)
Caused by: org.hibernate.service.spi.ServiceException: Unable to create requested service
\t... 6 more
Caused by: java.sql.SQLNonTransientConnectionException: Could not create connection to database server.

Attempted reconnect 3 times. Giving up.
\t... 35 more
Caused by: com.mysql.cj.exceptions.CJException: Access denied for user 'root'@'127.0.0.1' (using password: NO)
\t... 40 more
13:58:17.187 [main] INFO  o.h.validator.internal.util.Version - HV000001: Hibernate Validator
java.lang.ExceptionInInitializerError: Exception java.lang.ExceptionInInitializerError [in thread "DBKeepAlive_Thread"]
SEVERE org.apache.catalina.core.ContainerBase: Exception sending context destroyed event
Caused by: java.lang.ExceptionInInitializerError: Exception ExceptionInInitializerError [in thread "DBKeepAlive_Thread"]
Failed to start itrust@8081.service - itrust on port 8081.
"""
_NODE = """\
Started checkbox@3002.service - checkbox on port 3002.
Error: Cannot find module 'left-pad'
    at Module._load (node:internal/modules/cjs/loader:1)
Node.js v18.20.4
checkbox@3002.service: Main process exited, code=exited, status=1/FAILURE
"""


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (_JAVA, "java.io.FileNotFoundException: src/main/java/db.properties (No such file or directory)"),
        (
            _JAVA.partition("(Native Method)\n")[2],
            "com.mysql.cj.exceptions.CJException: Access denied for user 'root'@'127.0.0.1' (using password: NO)",
        ),
        (
            'Exception in thread "main" java.lang.IllegalStateException: no port\n',
            "java.lang.IllegalStateException: no port",
        ),
        (
            "ready for ErrorPages\n14:22:22.868 [main] INFO  o.s.Chain - [ExceptionTranslationFilter@4fe]\n",
            "ready for ErrorPages",
        ),
        (
            "14:22 [main] INFO  o.s.Chain - no ExceptionFilter\n",
            "14:22 [main] INFO  o.s.Chain - no ExceptionFilter",
        ),
        (
            "listening soon\nitrust@8081.service: start-post operation timed out. Terminating.\n",
            "listening soon",
        ),
        (_NODE, "Error: Cannot find module 'left-pad'"),
        ("listening\n", "listening"),
        ("", "its log is empty"),
    ],
    ids=[
        "java",
        "java, a chain",
        "java, a thread",
        "information",
        "only information",
        "a limit of systemd's",
        "node",
        "no complaint",
        "nothing",
    ],
)
def test_the_reason_of_a_start_that_fails_is_what_came_first(tmp_path: Path, log: str, reason: str) -> None:
    journal = tmp_path / "journalctl"
    (tmp_path / "log").write_text(log)
    journal.write_text(f"#!/bin/sh\ncat {tmp_path}/log\n")
    journal.chmod(0o755)
    app = "checkbox" if "checkbox" in log else "itrust"
    done = subprocess.run(
        ["sh", "-c", f"app={app}; . {TEMPLATES}/slots.sh; last_words 8081 0"],
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{reason}\n"
