"""What the control machine does with a WAR before it travels."""

from __future__ import annotations

import io
import os
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from deploys.software import war


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def zipped(path: Path, content: dict[str, str], year: int = 2020) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in content.items():
            file.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), text)
    return path


CONTENT = {"index.html": "hello", "WEB-INF/classes/A.class": "code"}


def test_the_same_content_is_the_same_copy_whatever_the_times_and_the_order(tmp_path: Path) -> None:
    one = zipped(tmp_path / "one.war", CONTENT)
    other = zipped(tmp_path / "other.war", dict(reversed(CONTENT.items())), year=2024)
    changed = zipped(tmp_path / "changed.war", {**CONTENT, "index.html": "bye"})
    assert war.prepared(one) == war.prepared(other)
    assert war.prepared(one)[1] != war.prepared(changed)[1]


def test_the_copy_is_its_owners_and_holds_all_but_the_passwords(tmp_path: Path) -> None:
    secret = {"WEB-INF/classes/db.properties": "password=x", "WEB-INF/classes/email.properties": "password=y"}
    copy, _ = war.prepared(zipped(tmp_path / "a.war", {**CONTENT, **secret}))
    assert copy.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(copy) as file:
        assert {name: file.read(name).decode() for name in file.namelist()} == CONTENT


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda path: path.mkdir(), "is a directory, not a WAR"),
        (lambda _: None, "No such file or directory"),
        (lambda path: path.write_text("hello"), "is not a WAR: file is not a zip file"),
        (lambda path: zipped(path, {"hello.txt": "x"}), "is not a WAR: it has no WEB-INF"),
        (lambda path: zipped(path, {**CONTENT, "a/../../b": "x"}), "which is outside of it"),
        (lambda path: zipped(path, {**CONTENT, "/etc/b": "x"}), "which is outside of it"),
    ],
    ids=["directory", "absent", "text", "other zip", "above", "absolute"],
)
def test_what_is_no_war_is_told_in_one_line(tmp_path: Path, make: object, complaint: str) -> None:
    path = tmp_path / "a.war"
    make(path)  # type: ignore[operator] # pytest's parameters have no types
    with pytest.raises(war.WarError) as raised:
        war.prepared(path)
    assert str(raised.value).startswith(str(path))
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_damaged_war_is_told_in_one_line(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.war", {**CONTENT, "big.txt": "0123456789" * 1000})
    content = bytearray(path.read_bytes())
    middle = content.index(b"big.txt") + 20
    content[middle : middle + 8] = b"\xff" * 8
    path.write_bytes(content)
    with pytest.raises(war.WarError, match=r"cannot be unpacked|is not a WAR"):
        war.prepared(path)


POM = "<project><packaging>war</packaging></project>"


def archive(path: Path, content: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for name, text in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            file.addfile(member, io.BytesIO(text.encode()))
    return path


def program(directory: Path, text: str, *others: str) -> str:
    """A PATH of the system's programs, before them `mvn` of this text and `others` that do nothing."""
    directory.mkdir()
    for name, what in (("mvn", text), *((other, "") for other in others)):
        (directory / name).write_text(f"#!/bin/sh\n{what}\n")
        (directory / name).chmod(0o755)
    return f"{directory}{os.pathsep}{os.environ['PATH']}"


def quiet(_: str) -> None:
    """For what a build tells on its way."""


@pytest.fixture(autouse=True)
def no_java_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)


def test_a_tree_is_built_once_by_this_machines_maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = archive(tmp_path / "a.tar.gz", {"iTrust2/pom.xml": POM})
    build = f'echo "$PWD $MAVEN_OPTS $*" >> {tmp_path}/calls; mkdir target && echo made > target/iTrust2.war'
    monkeypatch.setenv("PATH", program(tmp_path / "bin", build, "javac"))
    told: list[str] = []
    assert war.built(packed, "one", told.append).read_text() == "made\n"
    said = len(told)
    assert war.built(packed, "one", told.append).read_text() == "made\n"
    assert len(told) == said, "what is not built does not say that it is"
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert re.search(r"/iTrust2 .*--add-opens=java.base/java.util=.* -DskipTests package$", call)


@pytest.mark.parametrize(
    ("tree", "mvn", "complaint"),
    [
        ({"other/pom.xml": POM}, "exit 0", "this is not iTrust2: it has no iTrust2/pom.xml or pom.xml"),
        ({"pom.xml": "<project/>"}, "exit 0", "pom.xml makes no WAR for a Tomcat: it has no <packaging>war"),
        (
            {"pom.xml": POM},
            "echo '[ERROR] '; echo '[ERROR] no such luck'; exit 1",
            "mvn package: no such luck",
        ),
        ({"pom.xml": POM}, "exit 0", "made no target/iTrust2.war"),
    ],
    ids=["another project", "a program", "fails", "makes none"],
)
def test_a_build_that_fails_says_why_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tree: dict[str, str], mvn: str, complaint: str
) -> None:
    monkeypatch.setenv("PATH", program(tmp_path / "bin", mvn, "javac"))
    with pytest.raises(war.WarError, match=re.escape(complaint)):
        war.built(archive(tmp_path / "a.tar.gz", tree), "one", quiet)


@pytest.mark.parametrize(
    ("there", "missing"),
    [((), "needs Maven, and there is no mvn"), (("mvn",), "needs a JDK, and there is no javac")],
)
def test_a_local_build_says_what_to_install_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], missing: str
) -> None:
    for name in there:
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/began\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(war.WarError, match=f"{missing}: sudo apt-get install maven default-jdk-headless"):
        war.built(archive(tmp_path / "a.tar.gz", {"pom.xml": POM}), "one", quiet)
    assert not (tmp_path / "began").exists()


def test_javac_of_another_jdk_is_none_where_java_home_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With JAVA_HOME of a JRE Maven says "No compiler is provided", after it has fetched 250 MB."""
    monkeypatch.setenv("PATH", program(tmp_path / "bin", "exit 0", "javac"))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jre"))
    with pytest.raises(war.WarError, match="there is no javac"):
        war.built(archive(tmp_path / "a.tar.gz", {"pom.xml": POM}), "one", quiet)
