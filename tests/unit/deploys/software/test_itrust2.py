"""The texts that are made of iTrust's secrets, and the script that installs it."""

from __future__ import annotations

import re
import subprocess

import bcrypt

from deploys.software import itrust2


def test_the_first_users_statements_hold_no_password_and_are_of_spring_securitys_form() -> None:
    secrets = {name: f"secret {name}" for name in itrust2.secret_names().values()}
    text = itrust2.statements(secrets, rounds=4)
    assert not any(secret in text for secret in secrets.values())
    hashes = dict(re.findall(r"SELECT '(\w+)' AS username, '([^']+)'", text))
    assert set(hashes) == set(itrust2.ROLES)
    assert all(hashed.startswith("$2a$") for hashed in hashes.values())
    assert bcrypt.checkpw(b"secret itrust_bobbyod_password", hashes["bobbyOD"].encode())


def test_the_install_script_is_shell_that_parses() -> None:
    text = itrust2.install_script("/srv/itrust/releases/x")
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0
