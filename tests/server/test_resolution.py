"""Manifests are found again over C2PA's Soft Binding Resolution API, by those who may look at provenance."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from safelight.provenance.manifest import FINGERPRINT_ALGORITHM, WATERMARK_ALGORITHM, WATERMARK_ALGORITHMS


def test_a_stripped_image_finds_its_manifest(server: Any) -> None:
    made = server.client().images.generate(prompt="A lantern", size="512x512").data[0].b64_json
    image = Image.open(io.BytesIO(base64.b64decode(made))).convert("RGB")
    stripped = io.BytesIO()
    image.save(stripped, "PNG")
    with server.http() as http:
        known = http.get("/c2pa/services/supportedAlgorithms").json()
        assert known["watermarks"] == [{"alg": algorithm} for algorithm in WATERMARK_ALGORITHMS]
        assert known["fingerprints"] == [{"alg": FINGERPRINT_ALGORITHM}]
        (match,) = http.post("/c2pa/matches/byContent?maxResults=1", content=stripped.getvalue()).json()["matches"]
        assert match["similarityScore"] >= 80
        found = http.get(f"/c2pa/manifests/{match['manifestId']}")
        assert found.headers["content-type"] == "application/c2pa"
        assert b"org.safelight.run" in found.content
        assert http.post("/c2pa/matches/byContent", content=b"").status_code == 400
        assert http.post("/c2pa/matches/byContent", content=b"no image").status_code == 400


def test_bindings_that_lead_nowhere_say_so(server: Any) -> None:
    nothing = base64.b64encode(bytes(12)).decode()
    with server.http() as http:
        asked = {"alg": WATERMARK_ALGORITHM, "value": nothing}
        assert http.get("/c2pa/matches/byBinding", params=asked).json() == {"matches": []}
        assert http.post("/c2pa/matches/byBinding", json=asked).json() == {"matches": []}
        assert http.get("/c2pa/matches/byBinding", params={"alg": "com.other", "value": nothing}).status_code == 400
        assert http.get("/c2pa/matches/byBinding", params={**asked, "value": "?"}).status_code == 400
        assert http.get("/c2pa/manifests/img_00000000000").status_code == 404


def test_it_takes_a_key_that_may_look_at_provenance(locked: Any) -> None:
    for key, status in (
        (locked.key("maker", scopes=("generate",)), 403),
        (locked.key("press", scopes=("verify",)), 200),
    ):
        with locked.http(key) as http:
            assert http.get("/c2pa/services/supportedAlgorithms").status_code == status
