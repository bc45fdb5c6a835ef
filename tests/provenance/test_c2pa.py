"""Manifests: signed, read back, cross-checked by a verifier that shares no code, and tampered with."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import encypher_c2pa
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from safelight.errors import ConfigError
from safelight.provenance.c2pa import ContentCredentials, Signed
from safelight.provenance.keys import SigningIdentity
from safelight.provenance.manifest import Bindings
from safelight.provenance.stamp import StampFacts

from .conftest import FACTS, encoded, photo
from .test_keys import production

BINDINGS = Bindings("img_00000000001", bytes(range(32)), 256, 256, "ab" * 192, mark="0102030405060708090a0b0c")
SMALL = photo((256, 256))
FORMATS = ["png", "jpeg", "webp", "avif"]


@pytest.fixture
def credentials(identity: SigningIdentity) -> ContentCredentials:
    return ContentCredentials(identity, version="1.0")


def sign(credentials: ContentCredentials, format_: str = "png", **facts: Any) -> Signed:
    return credentials.sign(encoded(SMALL, format_), f"image/{format_}", FACTS.model_copy(update=facts), BINDINGS)


@pytest.mark.parametrize("format_", FORMATS)
def test_what_is_signed_is_read_back(credentials: ContentCredentials, format_: str) -> None:
    signed = sign(credentials, format_, sources=(("A report", "https://example.org/report"),), title="Vaccines")
    report = credentials.read(signed.data, f"image/{format_}")
    assert (report.state, report.origin, report.problems) == ("trusted", "ours", ())
    assert report.label == signed.label
    assert report.source_types == ("algorithmicMedia",)
    assert report.fingerprint == BINDINGS.fingerprint
    assert report.mark == BINDINGS.mark
    assert report.run is not None
    assert report.run["run_id"] == "run_1"
    assert report.run["sources"] == [{"title": "A report", "url": "https://example.org/report"}]
    assert report.run["development"] is True
    assert "prompt" not in report.run


@pytest.mark.parametrize("format_", FORMATS)
def test_an_independent_verifier_agrees(
    identity: SigningIdentity, credentials: ContentCredentials, format_: str
) -> None:
    signed = sign(credentials, format_, sources=(("A report", "https://example.org/report"),), algorithmic=False)
    anchors = b"".join(identity.anchors).decode()
    result = verified(signed.data, f"image/{format_}", anchors)
    assert result["integrity"] == "valid", result
    assert result["signature"] == "valid"
    tampered = bytearray(signed.data)
    tampered[-40] ^= 1
    assert verified(bytes(tampered), f"image/{format_}", anchors)["integrity"] != "valid"


def verified(data: bytes, media_type: str, anchors: str) -> dict[str, Any]:
    report = encypher_c2pa.verify(
        data, media_type, trust_pem=anchors, no_default_trust=True, online=False, telemetry=False
    )
    return dict(report)


def test_an_edit_keeps_its_inputs_manifest(credentials: ContentCredentials) -> None:
    original = sign(credentials, algorithmic=False, run_id="run_0")
    edit = sign(
        credentials, parents=(original.data, encoded(SMALL)), components=(encoded(SMALL, "jpeg"),), algorithmic=False
    )
    report = credentials.read(edit.data, "image/png")
    assert report.state == "trusted"
    assert [each.action for each in report.edits] == [
        "c2pa.opened",
        "c2pa.placed",
        "c2pa.edited",
        "c2pa.watermarked.bound",
        "c2pa.created",
        "c2pa.watermarked.bound",
    ]
    assert report.edits[4].manifest == original.label
    assert report.source_types == ("compositeWithTrainedAlgorithmicMedia", "trainedAlgorithmicMedia")


def test_of_an_adopted_image_nothing_is_claimed(credentials: ContentCredentials) -> None:
    report = credentials.read(sign(credentials, adopted=True, parents=(encoded(SMALL),)).data, "image/png")
    assert report.state == "trusted"
    assert [each.action for each in report.edits] == ["c2pa.opened", "c2pa.watermarked.bound"]
    assert not report.says_generated


def test_an_input_with_a_broken_manifest_can_still_be_edited(credentials: ContentCredentials) -> None:
    broken = bytearray(sign(credentials).data)
    broken[-40] ^= 1
    report = credentials.read(sign(credentials, parents=(bytes(broken),)).data, "image/png")
    assert (report.state, report.origin) == ("trusted", "ours")


def test_the_prompt_is_told_only_when_the_operator_says_so(credentials: ContentCredentials) -> None:
    report = credentials.read(sign(credentials, prompt="a lighthouse").data, "image/png")
    assert report.run is not None
    assert report.run["prompt"] == "a lighthouse"


def test_another_installation_sees_a_stranger(credentials: ContentCredentials, keys_folder: Path) -> None:
    signed = sign(credentials, algorithmic=False)
    stranger = SigningIdentity.development(keys_folder)
    report = ContentCredentials(stranger, version="1").read(signed.data, "image/png")
    assert (report.state, report.origin) == ("valid", "unknown")
    assert report.says_generated


def test_a_trust_list_vouches_for_others(
    identity: SigningIdentity, credentials: ContentCredentials, keys_folder: Path
) -> None:
    signed = sign(credentials)
    reader = ContentCredentials(
        SigningIdentity.development(keys_folder), version="1", trust_list=b"".join(identity.anchors)
    )
    report = reader.read(signed.data, "image/png")
    assert (report.state, report.origin) == ("trusted", "listed")


def test_a_sibling_certificate_of_our_authority_is_not_ours() -> None:
    chain, key = production()
    ours = SigningIdentity.from_pem(chain, key)
    signed = sign(ContentCredentials(ours, version="1"))
    assert ContentCredentials(ours, version="1").read(signed.data, "image/png").origin == "ours"
    other_chain, other_key = production()
    # Same names, another authority's key.
    report = ContentCredentials(SigningIdentity.from_pem(other_chain, other_key), version="1").read(
        signed.data, "image/png"
    )
    assert report.origin == "unknown"


def test_images_of_a_retired_key_are_still_ours(keys_folder: Path) -> None:
    signed = sign(ContentCredentials(SigningIdentity.development(keys_folder), version="1"))
    SigningIdentity.rotate_development(keys_folder)
    report = ContentCredentials(SigningIdentity.development(keys_folder), version="1").read(signed.data, "image/png")
    assert (report.state, report.origin) == ("trusted", "ours")


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0\x00\x10", bytes(4096)])
def test_hostile_bytes_are_unreadable_or_bare_never_a_crash(credentials: ContentCredentials, data: bytes) -> None:
    for media_type in ("image/png", "image/jpeg", "image/webp"):
        assert credentials.read(data, media_type).state in ("absent", "unreadable", "invalid")


def test_any_cut_and_any_flip_is_noticed(credentials: ContentCredentials) -> None:
    signed = sign(credentials, "jpeg").data
    whole = credentials.read(signed, "image/jpeg")
    ends = 22 + int.from_bytes(signed[22:24])  # of the segment that holds the manifest
    for place in range(30, len(signed) - 2, len(signed) // 40):
        flipped = bytearray(signed)
        flipped[place] ^= 0x10
        report = credentials.read(bytes(flipped), "image/jpeg")
        # The signature's own padding is signed by nobody; what the manifest says cannot change with it.
        is_padding = place < ends and report == whole
        assert is_padding or report.state in ("invalid", "absent", "unreadable"), place
        assert credentials.read(signed[:place], "image/jpeg").state in ("invalid", "absent", "unreadable"), place


class Vault:
    """A key that signs and cannot be had."""

    def __init__(self, key: bytes) -> None:
        loaded = serialization.load_pem_private_key(key, None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        self._key = loaded
        self.signed = 0

    def sign(self, data: bytes) -> bytes:
        self.signed += 1
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def test_a_remote_signer_signs() -> None:
    chain, key = production()
    vault = Vault(key)
    credentials = ContentCredentials(SigningIdentity.remote(chain, vault), version="1")
    assert credentials.read(sign(credentials).data, "image/png").origin == "ours"
    assert vault.signed >= 1


def test_a_remote_signer_that_fails_or_lies_signs_nothing() -> None:
    class Broken:
        def sign(self, data: bytes) -> bytes:
            raise TimeoutError("the vault is closed")

    class Lying:
        def sign(self, data: bytes) -> bytes:
            return bytes(64)

    chain, _ = production()
    for signer in (Broken(), Lying()):
        with pytest.raises(ConfigError, match="could not be signed"):
            sign(ContentCredentials(SigningIdentity.remote(chain, signer), version="1"))


def test_an_expired_certificate_signs_nothing() -> None:
    chain, key = production(days=-1)
    with pytest.raises(ConfigError):
        sign(ContentCredentials(SigningIdentity.from_pem(chain, key), version="1"))


def test_a_timestamp_authority_that_is_away_costs_the_timestamp_not_the_image(identity: SigningIdentity) -> None:
    credentials = ContentCredentials(identity.with_tsa("http://127.0.0.1:9/tsa"), version="1")
    signed = sign(credentials)
    assert "not timestamped" in signed.notes[0]
    assert credentials.read(signed.data, "image/png").state == "trusted"


def _sign_in_child(credentials: ContentCredentials, into: Any) -> None:
    into.put(credentials.read(sign(credentials).data, "image/png").state)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # forking a process that has threads is what is tested
def test_a_forked_child_signs_with_machinery_of_its_own(credentials: ContentCredentials) -> None:
    assert sign(credentials).label
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_sign_in_child, args=(credentials, answers))
    child.start()
    assert answers.get(timeout=30) == "trusted"
    child.join(10)


def test_a_manifest_store_found_elsewhere_proves_the_signer_not_the_bytes(credentials: ContentCredentials) -> None:
    signed = sign(credentials)
    report = credentials.read(encoded(SMALL), "image/png", store=signed.store)
    assert report.origin == "ours"
    assert report.are_bytes_changed


def test_long_ago_is_not_now(identity: SigningIdentity) -> None:
    past: Callable[[], datetime] = lambda: datetime.now(UTC) - timedelta(days=3)  # noqa: E731 (a clock)
    signed = ContentCredentials(identity, version="1", clock=past).sign(
        encoded(Image.new("RGB", (64, 64))), "image/png", StampFacts(run_id="r", model="m", algorithmic=True), BINDINGS
    )
    assert signed.label.startswith("urn:c2pa:")
