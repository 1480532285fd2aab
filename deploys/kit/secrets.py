"""An environment's secrets: made once, kept in a file that nobody else reads. Knows nothing of pyinfra."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import string
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from secrets import choice

import yaml

__all__ = ["SecretsError", "secrets_of"]

_DIRECTORY = "~/.config/pipeline/secrets"
_LENGTH = 32
# Only letters and digits: checkbox.io puts its password into a URI without escaping it.
_ALPHABET = string.ascii_letters + string.digits
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class SecretsError(Exception):
    """One line: which file, what is wrong with it, what to do."""


def secrets_of(
    environment: str,
    names: Iterable[str],
    directory: str | os.PathLike[str] | None = None,
    optional: Iterable[str] = (),
) -> dict[str, str]:
    """The secrets `names` of `environment`, by name; those not yet there are made (32 letters and digits).

    Those of `optional` are in the result only where somebody gave them.

    They are kept in DIRECTORY/ENVIRONMENT.yml (0600 in a directory 0700; default ~/.config/pipeline/secrets). An
    environment variable PIPELINE_SECRET_<NAME> wins and is not written. Where nothing is to be made, nothing
    is written. Raises SecretsError.
    """
    wanted, perhaps = list(names), list(optional)
    for name in [*wanted, *perhaps]:
        if not _NAME.fullmatch(name):
            raise SecretsError(f"{name!r} is no name of a secret: small letters, digits and _")
    if not _ENVIRONMENT.fullmatch(environment):
        raise SecretsError(f"environment {environment!r} is no name: letters, digits, '.', '_' and '-'")
    given = {
        name: _from_variable(name)
        for name in [*wanted, *perhaps]
        if f"PIPELINE_SECRET_{name.upper()}" in os.environ
    }
    kept_names = [name for name in wanted if name not in given]
    kept: Mapping[str, str] = {}
    if kept_names or perhaps:
        path = Path(directory or _DIRECTORY).expanduser() / f"{environment}.yml"
        try:
            kept = _kept_in(path, kept_names)
        except OSError as error:
            raise SecretsError(f"{error.filename or path}: {error.strerror}") from None
    found = {**kept, **given}
    return {name: found[name] for name in wanted} | {name: found[name] for name in perhaps if name in found}


def _from_variable(name: str) -> str:
    value = os.environ[f"PIPELINE_SECRET_{name.upper()}"]
    if not value or not value.isprintable():
        raise SecretsError(f"PIPELINE_SECRET_{name.upper()} is empty, or holds a line break or the like")
    return value


def _kept_in(path: Path, names: list[str]) -> dict[str, str]:
    """The secrets of the file; those of `names` that it lacks are made and written into it."""
    found = _read(path)
    if all(name in found for name in names):
        return found
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(path):
        found = _read(path)
        missing = [name for name in names if name not in found]
        if missing:
            found |= {name: "".join(choice(_ALPHABET) for _ in range(_LENGTH)) for name in missing}
            _write(path, found)
    return found


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise SecretsError(f"{path}: others can read it; if they have not, type: chmod 600 {path}")
            # BaseLoader: every value stays text; 0123 is a password and no number.
            content = yaml.load(file, Loader=yaml.BaseLoader)  # noqa: S506 it only makes str, list and dict
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SecretsError(f"{path}{where}: not YAML of the shape 'name: secret'") from None
    if content in (None, ""):
        return {}
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise SecretsError(f"{path}: not YAML of the shape 'name: secret'")
    for name, value in content.items():
        if not value or not value.isprintable():
            raise SecretsError(f"{path}: the secret {name} is empty, or holds a line break or the like")
    return content


def _write(path: Path, content: Mapping[str, str]) -> None:
    """Write the whole file or nothing, even when the machine stops: a lost password shuts everybody out."""
    descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(
                "# The secrets of this environment. Made at its first deploy; its databases know them.\n"
            )
            yaml.safe_dump(dict(content), file)
            file.flush()
            os.fsync(file.fileno())
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
