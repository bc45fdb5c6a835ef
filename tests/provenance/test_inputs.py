"""What an input came with is looked at, and nothing that it names is asked for."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safelight.provenance.c2pa import ContentCredentials
from safelight.provenance.inputs import detach, is_archive
from safelight.provenance.keys import SigningIdentity
from safelight.provenance.registry import MemoryRegistry
from safelight.provenance.stamper import ImageStamper
from safelight.provenance.watermark import SpreadSpectrum

from .conftest import FACTS, SECRET, encoded, photo
from .test_c2pa import BINDINGS, sign

SMALL = photo((256, 256))
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{url}"/>'
    "</rdf:RDF></x:xmpmeta>"
)


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """An address, and what was asked of it."""
    paths: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/a.c2pa", paths
        server.shutdown()
        thread.join()


def test_a_manifest_that_lies_elsewhere_is_not_fetched(asked: tuple[str, list[str]], identity: SigningIdentity) -> None:
    url, paths = asked
    for format_ in ("jpeg", "webp"):
        data = encoded(SMALL, format_, xmp=XMP.format(url=url).encode())
        assert b"c2pa" in data
        assert detach(data) is None
        assert ContentCredentials(identity, version="1").read(data, f"image/{format_}").state in (
            "absent",
            "unreadable",
        )
    assert paths == []


@pytest.mark.parametrize("format_", ["png", "jpeg", "webp", "avif"])
def test_an_archive_stands_for_the_image_that_it_came_with(identity: SigningIdentity, format_: str) -> None:
    credentials = ContentCredentials(identity, version="1")
    before = sign(credentials, format_)
    archive = detach(before.data)
    assert archive is not None
    assert is_archive(archive)
    assert len(archive) < 32_000
    report = credentials.read(sign(credentials, parents=(archive,)).data, "image/png")
    assert (report.state, report.edits[-1].manifest) == ("trusted", before.label)
    report = credentials.read(sign(credentials, components=(archive,)).data, "image/png")
    assert (report.state, report.edits[-1].manifest) == ("trusted", before.label)


def test_what_was_changed_since_is_kept_as_such(identity: SigningIdentity) -> None:
    credentials = ContentCredentials(identity, version="1")
    changed = bytearray(sign(credentials, "jpeg").data)
    changed[-40] ^= 1
    archive = detach(bytes(changed))
    assert archive is not None
    assert b"dataHash.mismatch" in archive
    assert credentials.read(sign(credentials, parents=(archive,)).data, "image/png").state == "trusted"


@pytest.fixture(scope="session")
def signed(identity: SigningIdentity) -> memoryview:  # of bytes, hypothesis would write out all
    made = ContentCredentials(identity, version="1").sign(encoded(SMALL, "jpeg"), "image/jpeg", FACTS, BINDINGS)
    return memoryview(made.data)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.integers(24, 4000), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_hostile_manifest_is_left_out_or_can_be_signed_beside(
    identity: SigningIdentity, signed: memoryview, flips: list[tuple[int, int]]
) -> None:
    ends = 22 + int.from_bytes(signed[22:24])
    bent = bytearray(signed)
    for place, value in flips:
        bent[24 + place % (ends - 24)] = value
    archive = detach(bytes(bent))
    if archive is not None:
        edit = sign(ContentCredentials(identity, version="1"), parents=(archive,))
        report = ContentCredentials(identity, version="1").read(edit.data, "image/png")
        assert report.state in ("trusted", "valid")
        assert report.origin == "ours"


async def test_a_bent_manifest_of_an_input_does_not_speak_against_the_edit(
    identity: SigningIdentity, signed: memoryview
) -> None:
    credentials, rng = ContentCredentials(identity, version="1"), random.Random(1)
    ends = 22 + int.from_bytes(signed[22:24])
    for _ in range(200):
        bent = bytearray(signed)
        bent[rng.randrange(24, ends)] = rng.randrange(256)
        archive = detach(bytes(bent))
        if (
            archive is not None
            and credentials.read(sign(credentials, parents=(archive,)).data, "image/png").state == "valid"
        ):
            break
    else:
        pytest.fail("no bent manifest was kept")
    stamper = ImageStamper(identity, SpreadSpectrum(SECRET), MemoryRegistry(), version="1")
    facts = FACTS.model_copy(update={"parents": (archive,)})
    edit, _ = await stamper.stamp(encoded(SMALL), "image/png", facts)
    found = await stamper.assess(edit)
    assert (found.verdict, found.legs["manifest"].state, found.changes) == ("ours", "match", ())
