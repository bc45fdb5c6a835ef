"""What an input came with: its manifest, kept apart from its picture.

An image that is taken in is reduced to its pixels, which is what moderators and generators see. An edit of it must
still say from what it was made, and the input's manifest only says so beside the very bytes that it was signed over.
So it is looked at while these are at hand, and kept as a C2PA archive of one ingredient: the manifest and what became
of its validation, a few kilobytes, and none of the file's other metadata.
"""

from __future__ import annotations

import io
from typing import Final

import c2pa  # type: ignore[import-untyped]

from ..media import sniff

__all__ = ["ARCHIVE_TYPE", "detach", "is_archive"]

ARCHIVE_TYPE: Final = "application/c2pa"
_MOST_BYTES = 4 << 20  # a stranger's manifest rides along in whatever is made from the image
_LABEL = "input"
# Whether its signer is to be trusted is for whoever reads the edit's manifest, by their own list.
_SETTINGS = {
    "verify": {"verify_trust": False, "remote_manifest_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
}


def detach(data: bytes) -> bytes | None:
    """The manifest of an image, as an archive that stands for the image among `StampFacts.parents` or `components`.

    None where it has none, or one that cannot be parsed or is too large. Never raises.
    """
    kind = sniff(data)
    if kind is None or b"c2pa" not in data:
        return None
    out = io.BytesIO()
    said = {"relationship": "parentOf", "format": kind, "label": _LABEL}  # the stamper says anew what it is to the edit
    context = c2pa.Context.from_dict(_SETTINGS)
    try:
        with c2pa.Reader(kind, io.BytesIO(data), context=context):
            pass  # which raises where there is none, or only the address of one
        with c2pa.Builder({}, context) as builder:
            builder.add_ingredient(said, kind, io.BytesIO(data))
            builder.write_ingredient_archive(_LABEL, out)
    except c2pa.C2paError:
        return None
    archive = out.getvalue()
    return archive if is_archive(archive) and len(archive) <= _MOST_BYTES else None


def is_archive(data: bytes) -> bool:
    """Whether this is a manifest by itself (a JUMBF box), not an image."""
    return data[4:8] == b"jumb"
