"""The development chain: root, intermediate and leaf of our own making, so that signing works before anyone buys a
certificate. Nobody else trusts it, and every name in it says so.

One file, `signing.pem`: the leaf's key, then leaf, intermediate, root. The two authorities' keys are thrown away at
once, so that nothing further can be issued in their name; a new chain is a whole new chain. Retired chains stay as
`signing-<serial>.pem`, without the key.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from ..durable import write_whole
from ..errors import ConfigError

__all__ = ["Bundle", "current_bundle", "retired_bundles", "rotate_bundle"]

_PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_NAME = "signing.pem"
_C2PA_CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
_DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
_LEAF_DAYS = 2 * 365
_AUTHORITY_DAYS = 20 * 365


@dataclass(frozen=True)
class Bundle:
    """One development chain, in PEM. `key` is None when it was retired."""

    leaf: bytes
    intermediate: bytes
    root: bytes
    key: bytes | None = field(default=None, repr=False)

    @property
    def chain(self) -> bytes:
        """What goes into a manifest: leaf first, root left out."""
        return self.leaf + self.intermediate


def current_bundle(folder: Path, algorithm: Literal["es256", "ed25519"], now: datetime) -> Bundle:
    """The chain in `folder`, made if there is none; the same for all processes that ask at once. Raises ConfigError."""
    path = folder / _NAME
    with _only_config_errors(path):
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with contextlib.suppress(FileExistsError):  # another process was first: its chain is the chain
                write_whole(path, _text(_make(algorithm, now)), replace=False)
        return _read(path)


def retired_bundles(folder: Path) -> tuple[Bundle, ...]:
    """The chains that were used before, oldest name first. Raises ConfigError."""
    found = []
    for path in sorted(folder.glob("signing-*.pem")):
        with _only_config_errors(path):
            found.append(_read(path))
    return tuple(found)


def rotate_bundle(folder: Path, algorithm: Literal["es256", "ed25519"], now: datetime) -> Bundle:
    """A new chain; the old one is retired, and its key is gone. Raises ConfigError."""
    path = folder / _NAME
    old = current_bundle(folder, algorithm, now)
    serial = x509.load_pem_x509_certificate(old.leaf).serial_number
    with _only_config_errors(path):
        write_whole(folder / f"signing-{serial:x}.pem", _text(Bundle(old.leaf, old.intermediate, old.root)))
        write_whole(path, _text(_make(algorithm, now)))
        return _read(path)


def _make(algorithm: Literal["es256", "ed25519"], now: datetime) -> Bundle:
    root_key, middle_key, leaf_key = (_new_key(algorithm) for _ in range(3))
    root_name = _name("Safelight Development Root (untrusted)")
    middle_name = _name("Safelight Development Authority (untrusted)")
    root = _authority(root_name, root_name, root_key, root_key, now, path_length=1)
    middle = _authority(middle_name, root_name, middle_key, root_key, now, path_length=0)
    leaf = (
        _builder(_name("Safelight Development Signer (untrusted)"), middle_name, leaf_key, middle_key, now, _LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([_C2PA_CLAIM_SIGNING, _DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]),
            critical=False,
        )
        .sign(middle_key, _digest(middle_key))
    )
    key = leaf_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = [each.public_bytes(serialization.Encoding.PEM) for each in (leaf, middle, root)]
    return Bundle(pem[0], pem[1], pem[2], key)


def _authority(
    subject: x509.Name, issuer: x509.Name, key: _PrivateKey, issuer_key: _PrivateKey, now: datetime, *, path_length: int
) -> x509.Certificate:
    return (
        _builder(subject, issuer, key, issuer_key, now, _AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(key_cert_sign=True), critical=True)
        .sign(issuer_key, _digest(issuer_key))
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: _PrivateKey, issuer_key: _PrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # a neighbour's clock may be behind
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def _new_key(algorithm: Literal["es256", "ed25519"]) -> _PrivateKey:
    return ed25519.Ed25519PrivateKey.generate() if algorithm == "ed25519" else ec.generate_private_key(ec.SECP256R1())


def _digest(key: _PrivateKey) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Safelight development"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _key_usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _text(bundle: Bundle) -> bytes:
    return (bundle.key or b"") + bundle.leaf + bundle.intermediate + bundle.root


def _read(path: Path) -> Bundle:
    if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigError(f"{path} is open to other users: chmod 600 {path}, and consider rotating it.")
    text = path.read_bytes()
    leaf, intermediate, root = (
        each.public_bytes(serialization.Encoding.PEM) for each in x509.load_pem_x509_certificates(text)
    )
    key, _, _ = text.partition(b"-----BEGIN CERTIFICATE-----")
    if key:
        serialization.load_pem_private_key(key, password=None)
    return Bundle(leaf, intermediate, root, key or None)


@contextlib.contextmanager
def _only_config_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(f"The signing chain {path} cannot be read or made: {error.strerror or error}.") from error
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"The signing chain {path} is damaged: put it back from a backup, or delete it for a new one. ({error})"
        ) from error
