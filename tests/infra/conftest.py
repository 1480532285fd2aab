"""The verification suite: what a correctly deployed host looks like. It needs hosts, and says so.

    pytest tests/infra/test_checkbox.py --hosts=paramiko://NAME,... --ssh-config=FILE [--sudo]

Without --hosts nothing here is collected; asked for by name without --hosts it is an error. The machine that
runs the suite is never what is tested: only hosts reached by SSH are taken. docs/verify.md has the options.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import testinfra  # type: ignore[import-untyped] # testinfra publishes no types
import testinfra.backend  # type: ignore[import-untyped] # testinfra publishes no types

HERE = Path(__file__).parent
if str(HERE) not in sys.path:  # the modules beside this file are imported by bare name
    sys.path.insert(0, str(HERE))

from application import Application, Database  # noqa: E402 - found through the line above
from connection import Outside, address_of  # noqa: E402
from reboot import RebootError, reboot, wait_until_answered  # noqa: E402
from reporting import Reporter  # noqa: E402
from shell import output  # noqa: E402
from slots import Slots, read_slots  # noqa: E402
from sockets import Listener, listeners  # noqa: E402

FIND_SECRETS = HERE / "on_host" / "find_secrets.py"

pytest.register_assert_rewrite("account_checks", "host_checks", "nginx_checks", "slot_checks")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("verification suite")
    group.addoption("--listen", type=int, help="nginx's port, when it is not the application's own")
    group.addoption("--disruptive", action="store_true", help="also kill services and see them come back")
    group.addoption("--reboot", action="store_true", help="reboot each host first, then check it")
    group.addoption("--pipeline-report", metavar="FILE", help="write one JSON object a check to FILE")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "disruptive: interrupts the service for a moment; needs --disruptive")
    hosts = config.getoption("hosts", None)
    named = [word for word in config.args if Path(word.split("::")[0]).resolve().is_relative_to(HERE)]
    if not hosts:
        if named:
            raise pytest.UsageError(f"{named[0]}: which hosts? --hosts=paramiko://NAME --ssh-config=FILE")
        return
    testinfra.backend.BACKENDS["paramiko"] = "connection.CheckedParamiko"
    backends = testinfra.backend.get_backends(
        hosts.split(","), connection=config.getoption("connection"), ssh_config=config.getoption("ssh_config")
    )
    for backend in backends:
        if backend.NAME not in ("paramiko", "ssh"):
            raise pytest.UsageError(f"--hosts: only hosts reached by SSH are tested, not {backend.NAME}://")
    report = config.getoption("pipeline_report", None)
    if report:
        config.pluginmanager.register(Reporter(Path(report)))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if HERE in collection_path.parents and not config.getoption("hosts", None) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Disruptive checks are last, and only when they are wanted."""
    if not config.getoption("disruptive", False):
        gone = [item for item in items if item.get_closest_marker("disruptive")]
        if gone:
            config.hook.pytest_deselected(items=gone)
            items[:] = [item for item in items if item not in gone]
    items.sort(key=lambda item: item.get_closest_marker("disruptive") is not None)


@pytest.fixture(scope="session")
def reached() -> dict[str, str]:
    """Why a host cannot be checked, or "" when it can: asked for once a host."""
    return {}


@pytest.fixture(scope="module")
def app(request: pytest.FixtureRequest) -> Application:
    """The application that the test module is about."""
    application: Application = request.module.APPLICATION
    port = request.config.getoption("listen", None)
    return dataclasses.replace(application, listen=port) if port else application


@pytest.fixture(scope="module")
def host(
    _testinfra_host: Any, app: Application, reached: dict[str, str], request: pytest.FixtureRequest
) -> Any:
    """The host, reached as root, and rebooted before its first check when --reboot says so."""
    config = request.config
    name = _testinfra_host.backend.get_pytest_id()
    if name not in reached:
        reached[name] = ""
        try:
            if _testinfra_host.run("id -u").stdout.strip() != "0":
                reached[name] = "the checks need root: add --sudo, or connect as root"
            elif config.getoption("reboot", False):
                reboot(_testinfra_host)
        except RebootError as error:
            reached[name] = str(error)
        except Exception as error:  # whatever SSH has to say is the reason
            reached[name] = f"cannot be reached by SSH: {error or type(error).__name__}"
    if reached[name]:
        pytest.fail(reached[name], pytrace=False)
    if config.getoption("reboot", False):
        address = address_of(_testinfra_host, config.getoption("ssh_config"))
        wait_until_answered(Outside(address, app.listen), app)
    return _testinfra_host


@pytest.fixture(scope="module")
def outside(host: Any, app: Application, request: pytest.FixtureRequest) -> Outside:
    """The host as this machine sees it over the network."""
    return Outside(address_of(host, request.config.getoption("ssh_config")), app.listen)


@pytest.fixture(scope="module")
def slots(host: Any, app: Application) -> Slots:
    """Which slot is live, from every place that says so."""
    return read_slots(host, app)


@pytest.fixture(scope="module")
def live_port(slots: Slots, app: Application) -> int:
    """The port of the slot that gets traffic; the first slot's when nothing says so (the checks then fail)."""
    return slots.active[0] if slots.active else app.ports[0]


@pytest.fixture(scope="module")
def database(host: Any, app: Application) -> Database | None:
    """The database server on this host; None where the application uses one elsewhere."""
    way = output(host, "cat %s 2>/dev/null || true", app.way) if app.way else ""
    return None if way == "uri" else app.database


@pytest.fixture(scope="module")
def own_database(database: Database | None) -> Database:
    """The database server on this host; a check that needs one is skipped where there is none."""
    if database is None:
        pytest.skip("the application uses a database server elsewhere")
    return database


@pytest.fixture(scope="module")
def sockets(host: Any) -> list[Listener]:
    """Who listens where."""
    words = output(host, "ps -eo pid=,user:32=").split()
    owners = dict(zip(words[::2], words[1::2], strict=True))
    return listeners(output(host, "ss -H -lntup"), owners)


@pytest.fixture(scope="module")
def leaks(host: Any, app: Application) -> dict[str, Any]:
    """Where others could read a secret: looked for on the host itself, so that no secret leaves it."""
    words = ["python3", "-c", FIND_SECRETS.read_text(), *app.secrets]
    found: dict[str, Any] = json.loads(output(host, shlex.join(words)))
    assert found["secrets"], f"no secret is in {', '.join(app.secrets)}: nothing to look for"
    return found
