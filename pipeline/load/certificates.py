"""Certificates for one run: an authority whose key is nowhere but in this object, and what it signs.

A Dask scheduler and its workers run whatever they are sent. So each of a run shows a certificate of that run's own
authority, and asks for one: who has none is refused, whatever port was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Authority", "Certificate"]

# From a day ago, as clocks of hosts may be wrong, and longer than any run.
_AGO: Final = timedelta(days=1)
_AHEAD: Final = timedelta(days=30)
_LONGEST_NAME: Final = 64  # of a common name, in characters


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, as PEM."""

    cert: str
    key: str

    def __repr__(self) -> str:
        return "Certificate(...)"


class Authority:
    """Signs certificates for one run. `pem` is its own certificate, which they are checked by."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("pipeline load")
        basic = x509.BasicConstraints(ca=True, path_length=0)
        made = self._begun(self._name, self._key.public_key()).add_extension(basic, critical=True)
        self._cert = made.sign(self._key, SHA256())
        self.pem = self._cert.public_bytes(Encoding.PEM).decode()

    def certificate(self, name: str) -> Certificate:
        """A new one, for both ends of a connection."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        cert = (
            self._begun(_name(name), key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
            .sign(self._key, SHA256())
        )
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Certificate(cert.public_bytes(Encoding.PEM).decode(), pem.decode())

    def _begun(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _AGO)
            .not_valid_after(now + _AHEAD)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:_LONGEST_NAME])])
