"""Signing identities: made once, private, refused with a reason when they cannot sign."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from safelight.errors import ConfigError
from safelight.provenance.keys import SigningIdentity


def production(
    *, usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.EMAIL_PROTECTION, days: int = 400, bits: int = 0
) -> tuple[bytes, bytes]:
    """A chain (leaf, intermediate) and the leaf's key, as a public authority would issue it."""
    issuer_key = ec.generate_private_key(ec.SECP256R1())
    key = rsa.generate_private_key(65537, bits) if bits else ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)

    def certificate(name: str, issuer: str, public: object, *, ca: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(
                x509.Name(
                    [
                        x509.NameAttribute(NameOID.COMMON_NAME, name),
                        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Press"),
                    ]
                )
            )
            .issuer_name(
                x509.Name(
                    [
                        x509.NameAttribute(NameOID.COMMON_NAME, issuer),
                        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Press"),
                    ]
                )
            )
            .public_key(public)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        )
        if not ca and usage is not None:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([usage]), critical=usage == ExtendedKeyUsageOID.TIME_STAMPING
            )
        return builder.sign(issuer_key, hashes.SHA256())

    leaf = certificate("Press signer", "Press authority", key.public_key(), ca=False)
    issuer = certificate("Press authority", "Press authority", issuer_key.public_key(), ca=True)
    pem = serialization.Encoding.PEM
    return (
        leaf.public_bytes(pem) + issuer.public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def test_a_development_chain_is_made_once_and_says_what_it_is(keys_folder: Path) -> None:
    first, second = SigningIdentity.development(keys_folder), SigningIdentity.development(keys_folder)
    assert first == second
    assert first.is_development
    assert "untrusted" in first.subject
    assert any("development" in warning for warning in first.warnings())
    assert stat.S_IMODE((keys_folder / "signing.pem").stat().st_mode) == 0o600
    assert "PRIVATE" not in repr(first)
    assert "PRIVATE" not in str(first.describe())


def test_processes_that_start_at_once_agree(keys_folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from safelight.provenance.keys import SigningIdentity\n"
        "print(SigningIdentity.development(Path(sys.argv[1])).describe()['serial'])"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(keys_folder)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    serials = {process.communicate(timeout=60)[0] for process in running}
    assert len(serials) == 1
    assert serials != {""}
    assert [path.name for path in keys_folder.iterdir()] == ["signing.pem"]


def test_rotation_makes_a_new_chain_and_still_accepts_the_old(keys_folder: Path) -> None:
    before = SigningIdentity.development(keys_folder)
    SigningIdentity.rotate_development(keys_folder)
    after = SigningIdentity.development(keys_folder)
    assert after.chain != before.chain
    assert before.serials < after.serials
    retired = next(keys_folder.glob("signing-*.pem"))
    assert b"PRIVATE" not in retired.read_bytes()


def test_a_chain_open_to_others_or_damaged_is_refused(keys_folder: Path) -> None:
    SigningIdentity.development(keys_folder)
    path = keys_folder / "signing.pem"
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="open to other users"):
        SigningIdentity.development(keys_folder)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ConfigError, match="damaged"):
        SigningIdentity.development(keys_folder)


def test_ed25519_is_an_option(keys_folder: Path) -> None:
    assert SigningIdentity.development(keys_folder, algorithm="ed25519").algorithm == "ed25519"


@pytest.mark.parametrize(("bits", "algorithm"), [(0, "es256"), (2048, "ps256")])
def test_production_identities_choose_the_algorithm_by_the_key(bits: int, algorithm: str) -> None:
    chain, key = production(bits=bits)
    identity = SigningIdentity.from_pem(chain, key)
    assert identity.algorithm == algorithm
    assert not identity.is_development
    assert any("timestamp" in warning for warning in identity.warnings())
    assert identity.with_tsa("http://tsa.invalid").warnings() == ()


def test_what_cannot_sign_is_refused_with_the_reason() -> None:
    chain, key = production()
    other_chain, _ = production()
    with pytest.raises(ConfigError, match="does not belong"):
        SigningIdentity.from_pem(other_chain, key)
    with pytest.raises(ConfigError, match="may not sign claims"):
        SigningIdentity.from_pem(*production(usage=ExtendedKeyUsageOID.SERVER_AUTH))
    with pytest.raises(ConfigError, match="lacks extendedKeyUsage"):
        SigningIdentity.from_pem(*production(usage=None))
    leaf, issuer = chain.split(b"-----END CERTIFICATE-----\n")[:2]
    end = b"-----END CERTIFICATE-----\n"
    with pytest.raises(ConfigError, match="lacks"):
        SigningIdentity.from_pem(issuer + end + leaf + end, key)
    with pytest.raises(ConfigError, match="lacks the issuer"):
        SigningIdentity.from_pem(leaf + end, key)
    with pytest.raises(ConfigError, match="cannot be read"):
        SigningIdentity.from_pem(b"nonsense", key)
    with pytest.raises(ConfigError, match="cannot be read"):
        SigningIdentity.from_pem(chain, b"nonsense")


def test_expiry_is_announced() -> None:
    soon = SigningIdentity.from_pem(*production(days=5))
    assert any("renew" in warning for warning in soon.warnings())
    later = lambda: datetime.now(UTC) + timedelta(days=10)  # noqa: E731 (a clock)
    assert any("nothing can be signed" in warning for warning in soon.warnings(later))


def test_the_environment_gives_both_or_neither() -> None:
    chain, key = production()
    assert SigningIdentity.from_environment({}) is None
    both = {"SAFELIGHT_SIGNING_CHAIN": chain.decode(), "SAFELIGHT_SIGNING_KEY": key.decode()}
    identity = SigningIdentity.from_environment(both)
    assert identity is not None
    assert identity.subject == "Press signer"
    with pytest.raises(ConfigError, match="together"):
        SigningIdentity.from_environment({"SAFELIGHT_SIGNING_KEY": key.decode()})


def test_files_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.pem"):
        SigningIdentity.from_files(tmp_path / "absent.pem", tmp_path / "absent.key")
