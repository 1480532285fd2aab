"""The key of an environment's hosts: made here, its private half never leaves this machine."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from pipeline.base.console import Progress
from pipeline.base.errors import UsageError
from pipeline.base.files import write_whole
from pipeline.base.text import reason_of
from pipeline.prod.aws.found import Found, Ids
from pipeline.prod.aws.session import Aws
from pipeline.prod.aws.tags import specification
from pipeline.prod.cloud import Change, Step

__all__ = ["directory", "key_path", "key_step"]


def directory(environment: str, region: str) -> Path:
    """What this machine has of an environment: its key, and the hosts' own keys. Outside of every repository."""
    return Path.home() / ".config" / "pipeline" / "aws" / f"{environment}-{region}"


def key_path(environment: str, region: str) -> Path:
    """The private key: 0600 in a directory 0700."""
    return directory(environment, region) / "key"


def key_step(aws: Aws, found: Found, ids: Ids) -> Step:
    """The key pair. Raises UsageError when hosts have a key whose private half is not here."""
    path = key_path(aws.environment, aws.region)
    ids.key = f"pipeline-{aws.environment}"
    public = _public_half(path)
    there = next((key for key in found.keys if key["KeyName"] == ids.key), None)

    def make(_: Progress) -> None:
        material = public or make_key(path)
        if there is not None:
            aws.client.delete_key_pair(KeyName=ids.key)
        tags = [specification("key-pair", aws.environment, ids.key)]
        aws.client.import_key_pair(
            KeyName=ids.key, PublicKeyMaterial=material.encode(), TagSpecifications=tags
        )

    if there is None:
        return Step(Change("create", "key pair", "", "its private half stays on this machine"), make)
    ids.claimed.add(str(there["KeyPairId"]))
    if public and str(there.get("PublicKey", "")).split()[:2] == public.split()[:2]:
        return Step(Change("keep", "key pair", "", str(there["KeyPairId"])))
    if found.instances:
        raise UsageError(
            f"{_short(path)}: {'not' if public else 'there is no'} private key of the hosts of {aws.environment}, "
            "which were made on another machine",
            hint=f"copy it from there to {_short(path)} (mode 0600)",
        )
    return Step(Change("change", "key pair", "", "a new one: no host uses the old"), make)


def _public_half(path: Path) -> str:
    """`ssh-ed25519 AAAA...` of the private key at `path`; empty when there is none. UsageError when it is no key."""
    try:
        text = path.read_bytes()
        mode = path.stat().st_mode & 0o077
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {reason_of(error)}") from None
    if mode:
        raise UsageError(f"{path}: others can read this private key", hint=f"chmod 600 {path}")
    try:
        key = load_ssh_private_key(text, password=None)
    except (ValueError, TypeError):
        raise UsageError(
            f"{path}: not an SSH private key without a passphrase", hint=f"move {path} away"
        ) from None
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def make_key(path: Path) -> str:
    """A new private key at `path`, whole or not at all, and never readable by others; gives the public half."""
    for parent in (path.parent.parent.parent, path.parent.parent, path.parent):
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    write_whole(path, private, mode=0o600)
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
