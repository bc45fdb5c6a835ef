"""From evidence to a verdict: the three legs, what each proves, what it does not, and what was changed since.

ours              our signature holds, or these are bytes that we registered, or our mark lies on the content that
                  it was made for
probably_ours     one leg speaks for it that could be mistaken: a mark without a registered content to compare, a
                  look-alike fingerprint, a signature of ours over bytes that were changed
other_generator   nothing of ours, and a manifest says that another generator made it
no_evidence       none of these, which proves nothing; also: a mark of ours on content that it was not made for
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .content import Comparison
from .pixels import Region
from .registry import Registered
from .report import ManifestReport
from .stamp import Assessment, Leg
from .watermark.engine import Reading

__all__ = ["DAMAGED", "Candidate", "Evidence", "judge", "manifest_leg"]

DAMAGED = "the manifest is damaged or cut off"
_ROTATION, _FLAT_ROTATION = 0.3, 1.0  # degrees; in a picture of one color nothing but the mark says how it lies
PDQ_ERROR = "two different pictures come this close less than once in a million pairs of unrelated photographs"


@dataclass(frozen=True)
class Candidate:
    """A registered image that the evidence points to, and how its content compares with what was asked about."""

    registered: Registered
    by: Literal["bytes", "manifest", "watermark", "fingerprint"]
    comparison: Comparison

    @property
    def contradicts(self) -> bool:
        """The content can be compared, and is another."""
        return not (self.comparison.agrees or self.comparison.is_undecided)


@dataclass(frozen=True)
class Evidence:
    """All that was found in one image. `regions` are the tiles that differ from what was signed or registered: empty
    where none does, None where that cannot be told. `reading` is None where no engine looked. `left_out` says what of
    the file was not looked at (the further frames of an animation)."""

    report: ManifestReport
    reading: Reading | None
    candidates: tuple[Candidate, ...]
    regions: tuple[Region, ...] | None
    no_watermark: str = ""
    manifest_fits: bool | None = None
    left_out: tuple[str, ...] = ()

    def candidate(self, by: str) -> Candidate | None:
        """The first candidate found that way."""
        return next((each for each in self.candidates if each.by == by), None)


def judge(evidence: Evidence) -> Assessment:
    """The verdict, with each leg's evidence and what was changed."""
    manifest, watermark, fingerprint = manifest_leg(evidence.report), _watermark(evidence), _fingerprint(evidence)
    verdict = _verdict(evidence, manifest, watermark, fingerprint)
    known = _known(evidence) if verdict in ("ours", "probably_ours") else None
    run = evidence.report.run if manifest.state in ("match", "tampered") and verdict != "no_evidence" else None
    return Assessment(
        verdict=verdict,
        legs={"manifest": manifest, "watermark": watermark, "fingerprint": fingerprint},
        run_id=known.run_id if known else str(run["run_id"]) if run and "run_id" in run else None,
        image_id=known.image_id if known else str(run["image_id"]) if run and "image_id" in run else None,
        # What we deliver is looked at whole: where something was left out of ours, it was put there since.
        changes=tuple(dict.fromkeys([*_changes(evidence, manifest, watermark), *(evidence.left_out if known else ())])),
    )


def _verdict(
    evidence: Evidence, manifest: Leg, watermark: Leg, fingerprint: Leg
) -> Literal["ours", "probably_ours", "other_generator", "no_evidence"]:
    exact = evidence.candidate("bytes") is not None
    marked = evidence.candidate("watermark")
    if exact or manifest.state == "match":
        return "ours"
    # A picture of one color is told from another by its very pixels alone.
    is_that = marked is not None and (
        marked.comparison.agrees or (marked.comparison.is_undecided and evidence.regions == ())
    )
    if is_that and watermark.state == "match":
        return "ours"
    if watermark.state == "match" or fingerprint.state == "match":
        return "probably_ours"
    if manifest.state == "tampered" and evidence.report.origin == "ours" and evidence.manifest_fits:
        return "probably_ours"
    if manifest.state == "foreign" and evidence.report.says_generated:
        return "other_generator"
    return "no_evidence"


def _known(evidence: Evidence) -> Registered | None:
    """The registered image that the verdict is about: the strongest candidate whose content agrees."""
    for by in ("bytes", "watermark", "manifest", "fingerprint"):
        candidate = evidence.candidate(by)
        if candidate is not None and (
            by == "bytes" or candidate.comparison.agrees or (by != "fingerprint" and not candidate.contradicts)
        ):
            return candidate.registered
    return None


def manifest_leg(report: ManifestReport) -> Leg:
    """What the manifest of any file says, picture or not."""
    if report.state == "absent":
        return Leg(state="absent", limits="Metadata is lost by most uploads: absence proves nothing.")
    detail: dict[str, Any] = {
        "validation": report.state,
        "signer": report.signer,
        "trust": report.origin,
        "generator": report.generator,
        "source_types": list(report.source_types),
        "problems": list(report.problems),
        "signed_at": report.signed_at,
        "edits": [{"action": each.action, "agent": each.agent, "signer": each.signer} for each in report.edits],
    }
    if report.state == "unreadable":
        return Leg(state="tampered", detail=detail, limits="A damaged manifest says nothing about the image.")
    if report.origin == "ours":
        # With our signature, `valid` only says that an input's manifest, which rides along, does not hold.
        state: Literal["match", "tampered"] = "match" if report.state in ("trusted", "valid") else "tampered"
        limits = "It proves who signed these bytes, not that the picture is true."
        if state == "tampered":
            limits = "The signature is ours, these bytes are not: look at the other legs for the picture itself."
        return Leg(
            state=state, detail={**detail, "development": bool((report.run or {}).get("development"))}, limits=limits
        )
    broken = report.are_bytes_changed or report.is_manifest_changed
    return Leg(
        state="tampered" if broken else "foreign",
        detail=detail,
        limits="Anyone can sign anything: the claims are those of the signer"
        + ("." if report.origin == "listed" else ", whom no trust list vouches for."),
    )


def _watermark(evidence: Evidence) -> Leg:
    reading = evidence.reading
    if reading is None:
        return Leg(state="unavailable", detail={"reason": evidence.no_watermark})
    detail: dict[str, Any] = {"score": round(reading.score, 2), "p_value": reading.p_value}
    if reading.geometry is not None:
        detail |= {"scale": round(reading.geometry.scale, 3), "rotation": round(reading.geometry.rotation, 1)}
    if reading.state == "absent":
        return Leg(state="absent", detail=detail, limits="A mark can be destroyed: absence proves nothing.")
    if reading.state == "present":
        return Leg(
            state="match",
            detail=detail,
            limits="A mark made with our key is there, too damaged to say which image it is.",
        )
    assert reading.payload is not None  # noqa: S101 (what `read` and `recognized` mean)
    false_alarm = reading.p_value if reading.state == "recognized" else 2.0**-26
    detail |= {"payload": f"{reading.payload.image:011x}", "false_alarm": false_alarm}
    if reading.tag_agreement is not None:
        detail["content_tag"] = round(reading.tag_agreement, 2)
    candidate = evidence.candidate("watermark")
    if candidate is not None:
        detail["content"] = candidate.comparison.describe()
        if candidate.contradicts:
            return Leg(
                state="tampered",
                detail=detail,
                limits=f"The mark is that of {candidate.registered.image_id}, the picture is not: it was lifted, "
                "or most of the picture was replaced.",
            )
        limits = "Whoever has the key can make such a mark."
        if candidate.comparison.is_undecided:
            limits += " The picture is of one color and shows nothing else by which to tell it."
        if reading.state == "recognized":
            limits += " It is too damaged to be read by itself, and agrees with the one that this image was given."
        return Leg(state="match", detail=detail, limits=limits)
    if reading.tag_agreement is not None and reading.tag_agreement < 0:
        return Leg(
            state="tampered",
            detail=detail,
            limits="The mark does not go with this picture, and is of no registered image.",
        )
    return Leg(
        state="match",
        detail=detail,
        limits="No registered image to compare with: a mark that was lifted from another image would look the same.",
    )


def _fingerprint(evidence: Evidence) -> Leg:
    candidate = evidence.candidate("bytes")
    if candidate is not None:
        detail = {"image_id": candidate.registered.image_id, "bytes": "identical"}
        return Leg(state="match", detail=detail, limits="Exactly the bytes that were registered.")
    agreeing = [each for each in evidence.candidates if each.comparison.agrees]
    if agreeing:
        best = min(agreeing, key=lambda each: each.comparison.distance)
        detail = {"image_id": best.registered.image_id, **best.comparison.describe()}
        return Leg(state="match", detail=detail, limits=f"It looks like a registered image; {PDQ_ERROR}.")
    return Leg(state="absent", limits="A crop, a rotation or a border hides a picture from this leg.")


def _changes(evidence: Evidence, manifest: Leg, watermark: Leg) -> list[str]:
    report, reading = evidence.report, evidence.reading
    said: list[str] = []
    named = evidence.candidate("manifest")
    if manifest.state == "tampered":
        said += _manifest_changes(evidence)
    elif manifest.state == "match" and named is not None and evidence.candidate("bytes") is None:
        said.append("bytes that no signature covers (padding of the manifest) were changed")
    elif report.state == "absent" and _known(evidence) is not None:
        said.append("the manifest was removed")
    elif manifest.state == "foreign" and watermark.state == "match":
        said.append(
            f"the manifest is {report.signer or 'someone else'}'s, the pixels carry our mark: one is not original"
        )
    if reading is not None:
        said += _mark_changes(evidence, reading)
    if manifest.state != "tampered":
        said += _pixel_changes(evidence)
    return said


def _manifest_changes(evidence: Evidence) -> list[str]:
    report = evidence.report
    if report.state == "unreadable":
        return [DAMAGED]
    if report.is_manifest_changed:
        return ["the manifest was edited after it was signed"]
    if not report.are_bytes_changed:
        return [f"the manifest does not hold: {', '.join(report.problems)}"]
    if evidence.manifest_fits is False:
        said = (report.run or {}).get("image_id", "another image")
        return [f"the manifest was moved here from {said}: its fingerprint is not that of this picture"]
    if evidence.regions == ():
        return ["the pixels are as signed; bytes outside the picture (metadata) were changed"]
    return ["the pixels were changed after signing", *_pixel_changes(evidence)]


def _pixel_changes(evidence: Evidence) -> list[str]:
    regions = evidence.regions
    if not regions:
        return []
    if _is_everywhere(regions):
        return ["every part of the picture differs in some pixel: it was re-encoded or adjusted as a whole"]
    return [f"changed: {each}" for each in regions[:8]]


def _is_everywhere(regions: tuple[Region, ...]) -> bool:
    return sum((each.right - each.left) * (each.bottom - each.top) for each in regions) > 0.95


def _mark_changes(evidence: Evidence, reading: Reading) -> list[str]:
    candidate = evidence.candidate("watermark")
    said: list[str] = []
    if candidate is not None and candidate.contradicts:
        said.append(f"the watermark was moved here from {candidate.registered.image_id}: the picture is another")
    geometry = reading.geometry
    # In a small flat picture a hair's breadth of rotation scores as well as none; where every pixel is as it was signed
    # or registered, nothing was turned, whatever the waves say.
    if geometry is not None and reading.payload is not None and evidence.regions != ():
        if geometry.is_inverted:
            said.append("the colors were inverted")
        if geometry.is_mirrored:
            said.append("it was mirrored")
        is_flat = candidate is not None and candidate.comparison.is_featureless
        if abs(geometry.rotation) > (_FLAT_ROTATION if is_flat else _ROTATION):
            said.append(f"it was rotated by {geometry.rotation:.1f} degrees")
        if geometry.scale < 0.985:
            said.append(f"it was cropped to about {geometry.scale:.0%} of its longest side")
        elif geometry.scale > 1.015:
            said.append("it was placed on a larger canvas")
    said += [f"spliced: a part of it comes from img_{other.image:011x}" for other in reading.others]
    # Where all pixels are others (encoded anew), only the mark can tell which part is no longer what it was.
    if reading.unmarked and (evidence.regions is None or _is_everywhere(evidence.regions)):
        said += [f"carries no mark of this image: {Region(*box)}" for box in reading.unmarked[:4]]
    return said
