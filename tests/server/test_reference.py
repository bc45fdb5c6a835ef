"""The reference page says what the description says, and needs no script."""

from __future__ import annotations

from typing import Any

from safelight.server.pages.reference import operations


def test_the_reference_lists_everything(server: Any) -> None:
    with server.http() as http:
        document = http.get("/openapi.json").json()
        page = http.get("/docs", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "<script" not in page.text
    found = list(operations(document))
    assert len(found) == sum(len(methods) for methods in document["paths"].values())
    for each in found:
        assert f'id="{each.id}"' in page.text
        assert each.about
    images = next(each for each in found if each.path == "/v1/images/generations")
    fields = {field.name: field for field in images.fields}
    assert fields["prompt"].required
    assert fields["n"].type == "integer ≥ 1, ≤ 8"
    assert fields["output_format"].type == "png | webp | jpeg"
    edits = next(each for each in found if each.path == "/v1/images/edits")
    assert {field.name: field.type for field in edits.fields}["image[]"] == "list of file"
