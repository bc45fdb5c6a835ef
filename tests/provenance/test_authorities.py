"""Authorities outside: a time-stamping authority that answers (OpenSSL's), a key in a token (SoftHSM's)."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from safelight.errors import ConfigError
from safelight.provenance.c2pa import ContentCredentials
from safelight.provenance.keys import SigningIdentity
from safelight.provenance.pkcs11 import Pkcs11Signer

from .test_c2pa import sign
from .test_keys import production

SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")
AUTHORITY = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
certs = {folder}/tsa.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[str]:
    """The address of an RFC 3161 authority whose answers are OpenSSL's."""
    config, query, reply = tmp_path / "tsa.cnf", tmp_path / "query", tmp_path / "reply"
    config.write_text(AUTHORITY.format(folder=tmp_path))
    (tmp_path / "serial").write_text("01\n")
    chain, key = production(usage=ExtendedKeyUsageOID.TIME_STAMPING, bits=2048)
    (tmp_path / "tsa.pem").write_bytes(chain)
    (tmp_path / "tsa.key").write_bytes(key)

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            openssl("ts", "-reply", "-config", config, "-section", "here", "-queryfile", query, "-out", reply)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(reply.read_bytes())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_an_authority_that_answers_dates_the_signature(identity: SigningIdentity, authority: str) -> None:
    credentials = ContentCredentials(identity.with_tsa(authority), version="1")
    signed = sign(credentials)
    assert signed.notes == ()
    report = credentials.read(signed.data, "image/png")
    assert (report.state, report.origin) == ("trusted", "ours")
    assert report.signed_at is not None
    assert abs(datetime.now(UTC) - datetime.fromisoformat(report.signed_at)) < timedelta(minutes=5)
    assert ContentCredentials(identity, version="1").read(sign(credentials).data, "image/png").signed_at
    undated = ContentCredentials(identity, version="1")
    assert undated.read(sign(undated).data, "image/png").signed_at is None


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new token of SoftHSM with the key of a production chain, whose PEM is the path.

    One for all tests: the library reads its configuration once in a process.
    """
    tmp_path = tmp_path_factory.mktemp("softhsm")
    folder = tmp_path / "tokens"
    folder.mkdir()
    config = tmp_path / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {folder}\nobjectstore.backend = file\nlog.level = ERROR\n")
    chain, key = production()
    (tmp_path / "chain.pem").write_bytes(chain)
    (tmp_path / "key.pem").write_bytes(key)
    environment = {**os.environ, "SOFTHSM2_CONF": str(config)}
    for command in (
        "--init-token --free --label press --pin 1234 --so-pin 5678",
        f"--import {tmp_path / 'key.pem'} --token press --label c2pa --id a1 --pin 1234",
    ):
        subprocess.run(["softhsm2-util", *command.split()], check=True, capture_output=True, env=environment)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(config))
        yield tmp_path / "chain.pem"


needs_softhsm = pytest.mark.skipif(
    not SOFTHSM.exists() or shutil.which("softhsm2-util") is None, reason="needs SoftHSM 2"
)


@needs_softhsm
def test_a_key_in_a_token_signs_and_never_leaves_it(token: Path) -> None:
    pytest.importorskip("pkcs11")
    signer = Pkcs11Signer(str(SOFTHSM), token="press", label="c2pa", pin="1234")
    raw = signer.sign(b"what is signed")
    assert len(raw) == 64
    leaf = x509.load_pem_x509_certificates(token.read_bytes())[0]
    public = leaf.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    credentials = ContentCredentials(SigningIdentity.remote(token.read_bytes(), signer), version="1")
    report = credentials.read(sign(credentials).data, "image/png")
    assert (report.state, report.origin) == ("trusted", "ours")


@needs_softhsm
def test_the_environment_names_a_key_in_a_token(token: Path) -> None:
    pytest.importorskip("pkcs11")
    environment = {
        "SAFELIGHT_SIGNING_CHAIN": token.read_text(),
        "SAFELIGHT_SIGNING_KEY": f"pkcs11:token=press;object=c2pa?module-path={SOFTHSM}",
        "SAFELIGHT_SIGNING_PIN": "1234",
    }
    identity = SigningIdentity.from_environment(environment)
    assert identity is not None
    assert identity.describe()["key"] == "remote"
    credentials = ContentCredentials(identity, version="1")
    assert credentials.read(sign(credentials).data, "image/png").origin == "ours"
    again = SigningIdentity.from_environment(environment)  # two of them in one process
    assert again is not None
    assert sign(ContentCredentials(again, version="1")).label


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("pkcs11:token=press;object=c2pa", "module-path"),
        ("pkcs11:object=c2pa?module-path=/lib/token.so", "token"),
        ("pkcs11:token=press?module-path=/lib/token.so", "object"),
        ("pkcs11:token=press;object=c2pa;nonsense?module-path=/lib/token.so", "nonsense"),
    ],
)
def test_an_address_of_a_key_that_cannot_work_is_named(key: str, said: str) -> None:
    pytest.importorskip("pkcs11")
    chain, _ = production()
    environment = {"SAFELIGHT_SIGNING_CHAIN": chain.decode(), "SAFELIGHT_SIGNING_KEY": key}
    with pytest.raises(ConfigError, match=said):
        SigningIdentity.from_environment(environment)


def test_a_token_signs_with_the_curve_that_it_can() -> None:
    pytest.importorskip("pkcs11")
    chain, _ = production(bits=2048)
    environment = {
        "SAFELIGHT_SIGNING_CHAIN": chain.decode(),
        "SAFELIGHT_SIGNING_KEY": "pkcs11:token=press;object=c2pa?module-path=/lib/token.so",
    }
    with pytest.raises(ConfigError, match="P-256"):
        SigningIdentity.from_environment(environment)
