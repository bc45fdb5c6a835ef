"""The identity that signs manifests: who it is, how it signs, whose signatures count as our own.

    identity = SigningIdentity.development(keys_dir)               # of our own making, marked as such everywhere
    identity = SigningIdentity.from_files(chain, key)              # production, PEM
    identity = SigningIdentity.from_environment(os.environ)        # production, SAFELIGHT_SIGNING_CHAIN and _KEY
    identity = SigningIdentity.remote(chain, signer)               # production, the key stays in a KMS or HSM

A chain is what C2PA 2.x section 14.5 asks of a claim signer: X.509 v3, leaf first, root left out, digitalSignature,
and one of the extended key usages in `ACCEPTED_EKU`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

from ..errors import ConfigError
from .development import Bundle, current_bundle, retired_bundles, rotate_bundle
from .pkcs11 import Pkcs11Signer, is_address

__all__ = ["ACCEPTED_EKU", "Algorithm", "RemoteSigner", "SigningIdentity"]

Algorithm = Literal["es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519"]

# C2PA claim signing, document signing (RFC 9336), e-mail protection: what validators of today accept in a leaf.
ACCEPTED_EKU = ("1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.36", "1.3.6.1.5.5.7.3.4")
EXPIRY_WARNING = timedelta(days=30)


class RemoteSigner(Protocol):
    """A private key that cannot be had: in a KMS, an HSM, a smart card.

    `sign` is called in a worker thread, and may block. It returns the signature of `data` (not of a digest): ECDSA as
    DER or as r and s side by side, RSA as PSS with a salt as long as the digest.
    """

    def sign(self, data: bytes) -> bytes: ...


@dataclass(frozen=True)
class SigningIdentity:
    """A chain of certificates, and the way to sign with its leaf.

    `accepted` are the leaves whose signatures count as our own, each followed by its issuer: this one and those that
    were retired. `anchors` are the roots that others must trust to validate a development chain; a production chain
    leads to a public root.
    """

    chain: bytes  # PEM, leaf first
    algorithm: Algorithm
    is_development: bool
    key: bytes | None = field(default=None, repr=False)  # PEM
    signer: RemoteSigner | None = None
    accepted: tuple[bytes, ...] = ()  # PEM
    anchors: tuple[bytes, ...] = ()  # PEM
    tsa_url: str | None = None

    @classmethod
    def development(cls, folder: Path, *, algorithm: Literal["es256", "ed25519"] = "es256") -> SigningIdentity:
        """The development chain kept in `folder`, made on first use.

        Raises:
            ConfigError: it cannot be made or read.
        """
        bundle = current_bundle(folder, algorithm, datetime.now(UTC))
        retired = retired_bundles(folder)
        return cls(
            chain=bundle.chain,
            algorithm=_algorithm(_load_chain(bundle.chain)[0]),
            is_development=True,
            key=bundle.key,
            accepted=tuple(each.chain for each in (bundle, *retired)),
            anchors=tuple(each.root for each in (bundle, *retired)),
        )

    @staticmethod
    def rotate_development(folder: Path, *, algorithm: Literal["es256", "ed25519"] = "es256") -> Bundle:
        """A new development chain from now on; images signed by the old one are still recognised."""
        return rotate_bundle(folder, algorithm, datetime.now(UTC))

    @classmethod
    def from_pem(
        cls, chain: bytes, key: bytes, *, retired: tuple[bytes, ...] = (), tsa_url: str | None = None
    ) -> SigningIdentity:
        """A production identity. `retired` are chains that this installation signed with before.

        Raises:
            ConfigError: the PEM does not parse, the key is not the leaf's, or the leaf may not sign claims.
        """
        leaf = _production_leaf(chain)
        try:
            private = serialization.load_pem_private_key(key, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigError(f"The signing key cannot be read: {error}. It must be an unencrypted PEM.") from error
        if _spki(private.public_key()) != _spki(leaf.public_key()):
            raise ConfigError("The signing key does not belong to the first certificate of the chain (leaf first).")
        accepted = tuple(_leaf_and_issuer(each) for each in (chain, *retired))
        return cls(chain, _algorithm(leaf), False, key=key, accepted=accepted, tsa_url=tsa_url)

    @classmethod
    def from_files(
        cls, chain: Path, key: Path, *, retired: tuple[Path, ...] = (), tsa_url: str | None = None
    ) -> SigningIdentity:
        """`from_pem` with the contents of these files."""
        try:
            return cls.from_pem(
                chain.read_bytes(),
                key.read_bytes(),
                retired=tuple(each.read_bytes() for each in retired),
                tsa_url=tsa_url,
            )
        except OSError as error:
            raise ConfigError(f"{error.filename} cannot be read: {error.strerror}.") from error

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> SigningIdentity | None:
        """A production identity from SAFELIGHT_SIGNING_CHAIN and _KEY (PEM text); None where neither is set.

        The key may be the address of one in a token (`pkcs11.Pkcs11Signer.at`), whose PIN is SAFELIGHT_SIGNING_PIN.
        Raises ConfigError as `from_pem` does.
        """
        chain, key = environment.get("SAFELIGHT_SIGNING_CHAIN"), environment.get("SAFELIGHT_SIGNING_KEY")
        if not chain and not key:
            return None
        if not chain or not key:
            raise ConfigError("SAFELIGHT_SIGNING_CHAIN and SAFELIGHT_SIGNING_KEY must be set together.")
        tsa_url = environment.get("SAFELIGHT_TSA_URL") or None
        if not is_address(key):
            return cls.from_pem(chain.encode(), key.encode(), tsa_url=tsa_url)
        signer = Pkcs11Signer.at(key, environment.get("SAFELIGHT_SIGNING_PIN", ""))
        identity = cls.remote(chain.encode(), signer, tsa_url=tsa_url)
        if identity.algorithm != "es256":
            raise ConfigError("A key in a token signs with P-256 here: the certificate is of another kind.")
        return identity

    @classmethod
    def remote(
        cls, chain: bytes, signer: RemoteSigner, *, retired: tuple[bytes, ...] = (), tsa_url: str | None = None
    ) -> SigningIdentity:
        """A production identity whose key stays where it is."""
        accepted = tuple(_leaf_and_issuer(each) for each in (chain, *retired))
        return cls(chain, _algorithm(_production_leaf(chain)), False, signer=signer, accepted=accepted, tsa_url=tsa_url)

    def with_retired(self, chains: Iterable[bytes]) -> SigningIdentity:
        """The same, which also takes what these chains (PEM, leaf first) signed for its own."""
        return replace(self, accepted=(*self.accepted, *(_leaf_and_issuer(each) for each in chains)))

    def with_tsa(self, url: str | None) -> SigningIdentity:
        """The same, timestamped by the RFC 3161 authority at `url`."""
        return replace(self, tsa_url=url)

    @property
    def serials(self) -> frozenset[str]:
        """The serial numbers (decimal) of the accepted leaves: with their issuers they name exactly these."""
        return frozenset(str(_load_chain(each)[0].serial_number) for each in self.accepted)

    @property
    def issuers(self) -> tuple[bytes, ...]:
        """The issuers (PEM) of the accepted leaves."""
        return tuple(dict.fromkeys(_pem(_load_chain(each)[1]) for each in self.accepted))

    @property
    def subject(self) -> str:
        """The name that the leaf is issued to."""
        return _common_name(self._leaf())

    def describe(self) -> dict[str, Any]:
        """What may be shown of it: never the key."""
        leaf = self._leaf()
        return {
            "subject": _common_name(leaf),
            "issuer": leaf.issuer.rfc4514_string(),
            "algorithm": self.algorithm,
            "development": self.is_development,
            "serial": f"{leaf.serial_number:x}",
            "sha256": leaf.fingerprint(hashes.SHA256()).hex(),
            "expires": leaf.not_valid_after_utc.isoformat(),
            "key": "remote" if self.signer is not None else "local",
            "timestamps": self.tsa_url or "none",
            "retired": len(self.accepted) - 1,
        }

    def warnings(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> tuple[str, ...]:
        """What an operator should mend: an untrusted chain, a leaf that expires within 30 days or has expired."""
        found = []
        if self.is_development:
            found.append("images are signed with a development certificate that no one else trusts")
        expires = self._leaf().not_valid_after_utc
        if expires <= now():
            found.append(f"the signing certificate expired on {expires:%Y-%m-%d}: nothing can be signed")
        elif expires - now() < EXPIRY_WARNING:
            found.append(f"the signing certificate expires on {expires:%Y-%m-%d}: renew it")
        if not self.is_development and self.tsa_url is None:
            found.append("no timestamp authority is set: signatures stop validating when the certificate expires")
        return tuple(found)

    def _leaf(self) -> x509.Certificate:
        return _load_chain(self.chain)[0]


def _load_chain(chain: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(chain)
    except ValueError as error:
        raise ConfigError(f"The certificate chain cannot be read: {error}. It must be PEM, leaf first.") from error


def _leaf_and_issuer(chain: bytes) -> bytes:
    return b"".join(_pem(each) for each in _load_chain(chain)[:2])


def _production_leaf(chain: bytes) -> x509.Certificate:
    """The leaf, after the checks whose failure the signing library reports as something else."""
    certificates = _load_chain(chain)
    leaf = certificates[0]
    if len(certificates) < 2:
        raise ConfigError(
            "The certificate chain lacks the issuer: give the leaf and every intermediate, in this order."
        )
    try:
        usages = {usage.dotted_string for usage in leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value}
        signs = leaf.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
        leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    except x509.ExtensionNotFound as error:
        raise ConfigError(f"The signing certificate lacks {error.oid._name}: C2PA asks for it.") from error
    if not signs or not usages & set(ACCEPTED_EKU):
        raise ConfigError(
            "The signing certificate may not sign claims: it needs digitalSignature and one of the extended key usages "
            f"{', '.join(ACCEPTED_EKU)}; it has {', '.join(sorted(usages)) or 'none'}."
        )
    for issued, issuer in pairwise(certificates):
        if issued.issuer != issuer.subject:
            raise ConfigError(
                "The certificate chain is out of order: leaf first, each issued by the next, root left out."
            )
    return leaf


def _algorithm(leaf: x509.Certificate) -> Algorithm:
    """The COSE algorithm that fits the leaf's key (C2PA 2.x section 13.2.1)."""
    match leaf.public_key():
        case ed25519.Ed25519PublicKey():
            return "ed25519"
        case ec.EllipticCurvePublicKey(curve=curve) if curve.name in _CURVES:
            return _CURVES[curve.name]
        case rsa.RSAPublicKey(key_size=bits) if bits >= 2048:
            return "ps256"
    raise ConfigError(
        "The signing certificate's key cannot be used: choose P-256, P-384, P-521, Ed25519 or RSA of 2048 bits."
    )


_CURVES: dict[str, Algorithm] = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


def _spki(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return encoded


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(ObjectIdentifier(NameOID.COMMON_NAME.dotted_string))
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
