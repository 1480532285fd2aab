"""A deploy that is broken off, or lacks what it needs, leaves one whole version served, and the next puts all right."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator

import pytest
import requests

from pipeline.lab.lab import Lab
from tests.support.checkbox_site import KEPT, CheckboxSite
from tests.support.faults.document import FOUND
from tests.support.faults.guests import Guests
from tests.support.faults.inspection import Found, ending
from tests.support.faults.row import Row
from tests.support.faults.rows import DEPLOYS
from tests.support.faults.scene import Scene, staged

OLD, NEW = "<h1>Studies</h1>", "<h1>Studies, next</h1>"


@pytest.fixture(scope="module")
def guests(production_lab: Lab) -> Guests:
    """Production's hosts, seen from this machine."""
    if production_lab.provider != "lxc":
        pytest.skip("faults are put into lxc containers")
    return Guests(production_lab)


@pytest.fixture(autouse=True)
def _over_another_version(checkbox: CheckboxSite) -> Iterator[None]:
    """`master` is served, and `next` has to be installed. Afterwards what somebody made is still there."""
    assert checkbox.deploy().code == 0
    checkbox.forget("next")
    made = checkbox.studies()
    assert KEPT in made
    yield
    assert checkbox.studies() == made


@pytest.mark.faults
@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=row.name, marks=[pytest.mark.faults_short] if row.short else [])
        for row in DEPLOYS
    ],
)
def test_a_fault_in_a_deploy_ends_in_the_truth_and_the_next_deploy_repairs_it(
    row: Row, guests: Guests, checkbox: CheckboxSite
) -> None:
    with staged(guests, checkbox.repository, row) as scene:
        try:
            row.before(scene)
            scene.start(deploy_of_next(checkbox))
            began = scene.act()
            code = scene.child.wait(180)
            seconds = time.monotonic() - began
        finally:
            row.mend(scene)
        line, wrong = ending(row, code, seconds, scene)
        assert served(checkbox) in (OLD, NEW)
        wrong += repaired(scene, checkbox)
        found = Found(row, code, seconds, line, "", tuple(wrong), scene.err)
        logging.info("%s", found if wrong else found.told())
        assert not wrong, str(found)
        FOUND.append(found)


def deploy_of_next(checkbox: CheckboxSite) -> list[str]:
    """The command into which the fault comes."""
    source = ["--repo", str(checkbox.repository), "--ref", "next"]
    return [sys.executable, "-m", "pipeline", "deploy", "checkbox.io", "-i", str(checkbox.inventory), *source]


def served(checkbox: CheckboxSite) -> str:
    """Which of the two versions the page is of, once the host answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            page = checkbox.page()
        except requests.RequestException:
            page = ""
        told = [heading for heading in (OLD, NEW) if heading in page]
        if told or time.monotonic() > deadline:
            return told[0] if told else page
        time.sleep(0.5)


def repaired(scene: Scene, checkbox: CheckboxSite) -> list[str]:
    """What is not as it should be after the next deploy: it ends well, all of it is new, and there is no more to do."""
    wrong = []
    processes = scene.left()
    if processes:
        wrong.append(f"processes are left: {processes}")
    again = scene.start(deploy_of_next(checkbox)).wait(180)
    if again != 0:
        wrong.append(f"the next deploy ends with {again}: {(scene.directory / 'err2').read_text()}")
    elif served(checkbox) != NEW:
        wrong.append("the next deploy does not serve the new version")
    elif (last := checkbox.deploy(ref="next")).code != 0 or last.json["hosts"][0]["changed"]:
        wrong.append(f"the deploy after that still changes something: {last.out}{last.err}")
    if files := sorted(path.name for path in scene.temporary.iterdir()):
        wrong.append(f"temporary files are left: {files}")
    return wrong
