"""The classical engine: a keyed spread-spectrum mark that needs nothing but NumPy and SciPy.

How it marks: the pattern of key and payload, in luma and blue, as strong as `masking` allows times a strength found by
trial: the mark is tried on a reduced copy that is compressed, cropped and brightened, and made just strong enough to be
read with a margin from each.

How it reads: `search` finds the geometry by the pilots in the image's `spectrum`, `code` decodes the other waves, and
the payload's keyed code decides. Nothing else can say that a mark was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import numpy as np
from PIL import Image

from ...errors import BadImage
from ..fingerprint import opaque
from .code import candidates, coded_length, encode
from .engine import Effort, Geometry, Marked, Payload, Reading, Trace
from .local import Box, boxes, lacking, tile_agreement
from .marking import Sketch, coefficients_of, fitted, mark_pixels
from .orientation import ORIENTATIONS, upright
from .pattern import PERIOD, Pattern, reach_of
from .payload import PAYLOAD_BITS, VERSION, open_bits, seal_bits
from .search import Hit, Scene, climbs
from .significance import p_value
from .spectrum import maps_of
from .tag import agreement, tag_of

__all__ = ["SpreadSpectrum"]

LONGEST: Final = 192  # pixels: a smaller image has no room for the waves
SHORTEST: Final = 64
_WORTH_DECODING: Final = 5.2
# The keyed code tells the right message of many. Very many are tried only where chance hardly ever puts the score (in
# no unmarked frame of 100,000, perhaps in one full search of 100), which leaves false alarms as rare as they were.
_WORTH_TRYING: Final = 7.5
_TRIES: Final = 256
_FEW_TRIES: Final = 4
_PRESENT: Final = 1e-6


class SpreadSpectrum:
    """The classical watermark under one secret (32 bytes or more); it also reads those of `retired` secrets."""

    name = "org.safelight.spread.1"

    def __init__(self, secret: bytes, retired: Sequence[bytes] = ()) -> None:
        self._secret = secret
        self._retired = tuple(retired)

    def embed(self, image: Image.Image, image_number: int) -> Marked:
        """Mark an RGB or RGBA image, but for what is fully transparent. Raises BadImage where it is too small."""
        if image.mode not in ("RGB", "RGBA"):
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        pixels, payload, detail = self.embed_pixels(np.asarray(image), image_number)
        return Marked(Image.fromarray(pixels, image.mode), payload, detail["psnr"], bool(detail["robust"]), detail)

    def embed_pixels(self, pixels: Any, image_number: int) -> tuple[Any, Payload, dict[str, Any]]:
        """Mark (height, width, 3 or 4) pixels of uint8 or uint16; returns a copy, the payload, and what was done."""
        height, width = pixels.shape[:2]
        if max(width, height) < LONGEST or min(width, height) < SHORTEST:
            raise BadImage(
                f"{width} x {height} pixels are too few for a watermark: it takes {LONGEST} by {SHORTEST} or more."
            )
        peak = int(np.iinfo(pixels.dtype).max)
        seen = _as_seen(pixels, peak)
        payload = Payload(VERSION, image_number, tag_of(seen, self._secret))
        coded = encode(seal_bits(payload, self._secret))
        pattern = Pattern.of(self._secret)
        sketch = Sketch.of(seen)
        trial = fitted(sketch, coded, pattern)
        waves = coefficients_of(pattern, coded, trial.shapes, trial.emphasis)
        marked = mark_pixels(pixels[..., :3], waves, pattern, trial.strength, sketch, peak=peak)
        if pixels.shape[2] == 4:
            shown = pixels[..., 3:] > 0
            marked = np.concatenate([np.where(shown, marked, pixels[..., :3]), pixels[..., 3:]], 2)
        detail = {
            "psnr": _psnr(pixels, marked, peak),
            "robust": trial.is_robust,
            "strength": round(trial.strength.overall, 3),
            "margins": {name: round(value, 2) for name, value in trial.margins.items()},
        }
        return marked, payload, detail

    def read(self, image: Image.Image, effort: Effort = "full") -> Reading:
        """Look for a mark of ours: `upright` takes some 0.05 s, `full` half a second where there is none."""
        seen = opaque(image).convert("RGB")
        if min(seen.size) < 24:
            return Reading("absent")
        reach = reach_of(seen.size) if effort == "unmoved" else 0.5
        scene, best = Scene(Pattern.of(self._secret), maps_of(seen), reach), Reading("absent")
        for secret in (self._secret, *self._retired):
            reading = self._read(scene.under(Pattern.of(secret)), seen, secret, effort)
            if reading.state == "read":
                return reading
            best = likelier(best, reading)
        return best

    def pack(self, payload: Payload) -> bytes:
        """The payload as it is sealed into an image: 12 bytes."""
        return np.packbits(seal_bits(payload, self._secret)).tobytes()

    def recognize(self, image: Image.Image, trace: Trace, mark: bytes, p_value: float) -> Reading | None:
        """The reading of a trace that a packed payload left, None where that payload is of none of the secrets."""
        return recognized(opaque(image).convert("RGB"), trace, mark, p_value, (self._secret, *self._retired))

    def _read(self, scene: Scene, seen: Image.Image, secret: bytes, effort: Effort) -> Reading:
        best, tried = 0.0, "whole"
        traces: list[Trace] = []
        for stage, hit in climbs(scene, effort):
            best, tried = max(best, hit.score), stage
            if hit.score < _WORTH_DECODING:
                continue
            soft = scene.soft_bits(hit, coded_length(PAYLOAD_BITS))
            payload = _payload(soft, hit.score, secret)
            if payload is not None:
                return self._reading(scene, seen, secret, hit, payload, effort)
            traces.append(Trace(soft, geometry_of(hit), hit.score))
        if effort == "full":
            traces += _whole_traces(scene)
        p = p_value(best, tried)
        return Reading("present" if p <= _PRESENT else "absent", score=best, p_value=p, traces=tuple(traces))

    def _reading(
        self, scene: Scene, seen: Image.Image, secret: bytes, hit: Hit, payload: Payload, effort: Effort
    ) -> Reading:
        geometry = geometry_of(hit)
        whole = upright(seen, geometry)
        areas, other = ((), None) if effort == "unmoved" else self._elsewhere(scene, secret, hit, payload)
        return Reading(
            "read",
            payload=payload,
            score=hit.score,
            p_value=min(p_value(hit.score, "whole"), 2.0**-26),
            geometry=geometry,
            tag_agreement=None if whole is None else agreement(whole, payload.tag, secret),
            unmarked=areas,
            others=() if other is None else (other,),
        )

    def _elsewhere(
        self, scene: Scene, secret: bytes, hit: Hit, payload: Payload
    ) -> tuple[tuple[Box, ...], Payload | None]:
        """The areas that lack the mark, and whose mark they bear instead, if it is another of ours."""
        agreement_here = tile_agreement(scene, hit, _waves(scene, payload, secret))
        if agreement_here is None or not (missing := lacking(agreement_here)).any():
            return (), None
        rest = scene.within(missing)
        for _, climbed in climbs(rest, "upright"):
            soft = rest.soft_bits(climbed, coded_length(PAYLOAD_BITS))
            other = _payload(soft, climbed.score, secret)
            if other is not None and other != payload:
                agreement_there = tile_agreement(scene, climbed, _waves(scene, other, secret))
                return boxes(missing | (agreement_there > agreement_here)), other
        return boxes(missing), None


def geometry_of(hit: Hit) -> Geometry:
    """How the seen image lies in the original, by a hypothesis."""
    a, b, c, d = (float(each) for each in np.asarray(hit.matrix).ravel())
    return Geometry((a, b, c, d), (float(hit.shift[0]), float(hit.shift[1])), PERIOD, hit.sign < 0)


def recognized(
    seen: Image.Image, trace: Trace, mark: bytes, p_value: float, secrets: Sequence[bytes]
) -> Reading | None:
    """The reading of a trace in an RGB image, left by a packed payload under one of the secrets."""
    bits = np.unpackbits(np.frombuffer(mark, np.uint8))
    for secret in secrets:
        payload = open_bits(bits, secret)
        if payload is not None:
            whole = upright(seen, trace.geometry)
            tag = None if whole is None else agreement(whole, payload.tag, secret)
            return Reading("recognized", payload, trace.score, p_value, trace.geometry, tag)
    return None


def _whole_traces(scene: Scene) -> list[Trace]:
    """What a mark may have left where the whole frame is seen, in any orientation: the pilots need not find it."""
    hits = [scene.whole(orientation) for orientation in ORIENTATIONS]
    return [Trace(scene.soft_bits(hit, coded_length(PAYLOAD_BITS)), geometry_of(hit), hit.score) for hit in hits]


def likelier(one: Reading, other: Reading) -> Reading:
    """Of two readings without a payload, under different secrets, the one less likely by chance, with both's traces."""
    return replace(min(one, other, key=lambda each: each.p_value), traces=one.traces + other.traces)


def _waves(scene: Scene, payload: Payload, secret: bytes) -> tuple[Any, Any]:
    return coefficients_of(scene.pattern, encode(seal_bits(payload, secret)))


def _payload(soft: Any, score: float, secret: bytes) -> Payload | None:
    if score < _WORTH_DECODING:
        return None
    messages = candidates(soft)
    tries = _TRIES if score >= _WORTH_TRYING else _FEW_TRIES
    return next(filter(None, (open_bits(message, secret) for message in islice(messages, tries))), None)


def _as_seen(pixels: Any, peak: int) -> Image.Image:
    eight = pixels if peak == 255 else (pixels >> 8).astype(np.uint8)
    return opaque(Image.fromarray(eight))


def _psnr(before: Any, after: Any, peak: int) -> float:
    difference = (before[::8, :, :3].astype(np.float32) - after[::8, :, :3]).ravel()
    return float(10 * np.log10(peak**2 / max(1e-9, float(difference @ difference) / difference.size)))
