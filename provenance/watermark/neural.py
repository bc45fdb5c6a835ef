"""The neural engine: networks put the payload's bits into cells and read them there; the classical pilots lie beneath.

The encoder (ONNX: `image` (1, 3, h, w) in 0..1 and `bits` (1, 1, h / 8, w / 8) of -1 and 1, to `wave` (1, 2, h, w) for
luma and for blue over luma) says what to add to the canonical frame; the decoder (`image`, to `logits`, one a cell)
what it reads there. Sides are multiples of 8, each network is less than 10 MB, and `benchmarks/train_watermark.py`
trains and writes them. Geometry, key, code, payload and content tag are the classical engine's, whose marks this one
reads, too: one search by the pilots serves both.

Nothing but the payload's keyed code says that a mark was read.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from ...errors import BadImage, ConfigError
from ..fingerprint import opaque
from .cells import CELL, Frame, bits_of, frame_of, margin, payload_in, soft_of
from .code import coded_length, decode
from .engine import Effort, Marked, Payload, Reading, Trace
from .masking import BLUE, LUMA, activity
from .orientation import upright
from .pattern import CANONICAL, Channel, Pattern, render
from .payload import PAYLOAD_BITS, VERSION, open_bits, seal_bits
from .search import Hit, Scene, climbs
from .significance import p_value
from .spectrum import LUMA_WEIGHTS, maps_of
from .spread import LONGEST, SHORTEST, SpreadSpectrum, geometry_of, likelier
from .tag import agreement, tag_of

__all__ = ["NeuralWatermark"]

Floats = np.ndarray[Any, np.dtype[np.float32]]

_LARGEST: Final = 10_000_000  # bytes a network
_PILOT_SHARE: Final = 0.25  # of the power; as the networks were trained
_HEADROOM: Final = (0.8, 0.56)  # as they were trained
_WORTH_DECODING: Final = 5.2
_WORTH_TRYING, _TRIES = 7.5, 256  # as the classical engine does, for its reasons
_PRESENT: Final = 1e-6
_FIRST, _MOST = 0.9, 1.8  # strengths
_LEAST_PSNR: Final = 42.3
_ENOUGH: Final = 1.25  # margin in half of a JPEG: WebP, and smaller copies, leave a third of that
_TRIED_QUALITY: Final = 50


class NeuralWatermark:
    """The neural watermark under one secret (32 bytes or more); it also reads those of `retired` secrets."""

    name = "org.safelight.neural.1"

    def __init__(self, encoder: Path, decoder: Path, secret: bytes, retired: Sequence[bytes] = ()) -> None:
        """Raises ConfigError where a network cannot be used, or onnxruntime is not installed."""
        self._secret, self._retired = secret, tuple(retired)
        self._made_of = (encoder, decoder, secret, tuple(retired))
        self._classical = SpreadSpectrum(secret, retired)
        self._encoder, self._decoder = _session(encoder), _session(decoder)
        for session, path, inputs in ((self._encoder, encoder, ["image", "bits"]), (self._decoder, decoder, ["image"])):
            if [each.name for each in session.get_inputs()] != inputs:
                raise ConfigError(f"{path} is not the network that it should be: its inputs are not {inputs}.")
        try:
            told = self._heard(Image.new("RGB", (4 * CELL, 3 * CELL)))
            wave = self._wave(np.zeros((3 * CELL, 4 * CELL, 3), np.uint8), np.ones((3, 4), np.float32))
        except Exception as error:  # the runtime's own errors have no common class
            raise ConfigError(f"{encoder} and {decoder} are not the networks of a watermark: {error}") from error
        if told.shape != (3, 4) or wave.shape != (2, 3 * CELL, 4 * CELL):
            raise ConfigError(f"{encoder} and {decoder} are not the networks of a watermark.")

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process, which opens the networks for itself, once."""
        return _opened, self._made_of

    def embed(self, image: Image.Image, image_number: int) -> Marked:
        """Mark an image (RGB or RGBA), but for what is fully transparent. Raises BadImage where it is too small."""
        if image.mode not in ("RGB", "RGBA"):
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        if max(image.size) < LONGEST or min(image.size) < SHORTEST:
            raise BadImage(
                f"{image.width} x {image.height} pixels are too few for a watermark: it takes {LONGEST} by {SHORTEST} "
                "or more."
            )
        seen = opaque(image)
        payload = Payload(VERSION, image_number, tag_of(seen, self._secret))
        width, height = (max(1, round(length * CANONICAL / max(seen.size))) for length in seen.size)
        canonical = seen.resize((width, height), Image.Resampling.BILINEAR)
        pattern = self._pattern(canonical, payload)
        texture = activity(np.asarray(canonical, np.float32) @ LUMA_WEIGHTS)
        rooms = np.stack([LUMA.at(texture), BLUE.at(texture)])
        pixels = np.array(image)
        strength, marked = _FIRST, _added(pixels[..., :3], pattern * rooms * _FIRST, rooms * _FIRST)
        found = self._tried(marked, canonical.size, payload)
        if found < _ENOUGH:
            room = 10 ** ((_psnr(pixels, marked) - _LEAST_PSNR) / 20)
            strength = _FIRST * max(1.0, min(_MOST / _FIRST, _ENOUGH / max(found, 0.1), room))
            marked = _added(pixels[..., :3], pattern * rooms * strength, rooms * strength)
        if image.mode == "RGBA":
            marked = np.where(pixels[..., 3:] > 0, marked, pixels[..., :3])
            marked = np.concatenate([marked, pixels[..., 3:]], -1)
        psnr = _psnr(pixels, marked)
        expected = found * strength / _FIRST
        is_robust = expected >= 0.95 * _ENOUGH
        detail = {"psnr": psnr, "robust": is_robust, "strength": round(strength, 3), "margin": round(expected, 2)}
        return Marked(Image.fromarray(marked), payload, psnr, is_robust, detail)

    def read(self, image: Image.Image, effort: Effort = "full") -> Reading:
        """Look for a mark of this engine or of the classical one: `upright` as the whole frame, `full` anyhow."""
        seen = opaque(image).convert("RGB")
        if min(seen.size) < 24:
            return Reading("absent")
        scene, best = Scene(Pattern.of(self._secret), maps_of(seen)), Reading("absent")
        for secret in (self._secret, *self._retired):
            reading = self._read(scene.under(Pattern.of(secret)), seen, secret, effort)
            if reading is None:
                return self._classical.read(image, effort)
            if reading.state == "read":
                return reading
            best = likelier(best, reading)
        if best.state != "present":
            return best
        # The classical engine has more ways to read a damaged mark of its own.
        classical = self._classical.read(image, effort)
        return classical if classical.state == "read" else likelier(classical, best)

    def pack(self, payload: Payload) -> bytes:
        """The payload as it is sealed into an image: 12 bytes."""
        return np.packbits(seal_bits(payload, self._secret)).tobytes()

    def recognize(self, image: Image.Image, trace: Trace, mark: bytes, p_value: float) -> Reading | None:
        """The reading of a trace that a packed payload left, None where that payload is of none of the secrets."""
        return self._classical.recognize(image, trace, mark, p_value)

    def _read(self, scene: Scene, seen: Image.Image, secret: bytes, effort: Effort) -> Reading | None:
        """A reading; None where the mark is the classical engine's."""
        best, tried = 0.0, "whole"
        traces: list[Trace] = []
        for stage, hit in climbs(scene, effort):
            best, tried = max(best, hit.score), stage
            if hit.score < _WORTH_DECODING:
                continue
            # First what is cheaper to tell: a tenth of what the network takes.
            soft = scene.soft_bits(hit, coded_length(PAYLOAD_BITS))
            if open_bits(decode(soft), secret) is not None:
                return None
            frame = frame_of(seen, hit)
            tries = _TRIES if hit.score >= _WORTH_TRYING else 1
            heard = frame.folded(self._heard(frame.image))
            payload = payload_in(heard, secret, tries)
            if payload is not None:
                return _reading(seen, secret, hit, payload)
            traces += [Trace(each, geometry_of(hit), hit.score) for each in (soft_of(heard, secret), soft)]
        p = p_value(best, tried)
        return Reading("present" if p <= _PRESENT else "absent", score=best, p_value=p, traces=tuple(traces))

    def _pattern(self, canonical: Image.Image, payload: Payload) -> Floats:
        """The wave and the pilots together (2, h, w), of unit variance."""
        pixels = _padded(canonical)
        rows, columns = pixels.shape[0] // CELL, pixels.shape[1] // CELL
        wave = self._wave(pixels, bits_of(payload, self._secret, rows, columns))
        wave = wave[:, : canonical.height, : canonical.width]
        beneath = np.stack([_pilots(each, canonical.size) for each in _channels(self._secret)])
        mixed: Floats = np.sqrt(1 - _PILOT_SHARE) * wave + np.sqrt(_PILOT_SHARE) * beneath
        return mixed.astype(np.float32)

    def _tried(self, marked: Any, canonical: tuple[int, int], payload: Payload) -> float:
        """The margin that is left when the middle half is compressed; the whole would take twice as long."""
        width, height = canonical
        top = height // 4 // CELL * CELL
        bottom = min(height, top + max(4 * CELL, height // 2 // CELL * CELL))
        first, last = (round(row * marked.shape[0] / height) for row in (top, bottom))
        out = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(marked[first:last])).save(out, "JPEG", quality=_TRIED_QUALITY)
        with Image.open(out) as opened:
            seen = opened.convert("RGB").resize((width, bottom - top), Image.Resampling.BILINEAR)
        told = self._heard(Image.fromarray(_padded(seen)))
        return margin(Frame(seen, (0, top // CELL), np.ones(told.shape, bool)).folded(told), payload, self._secret)

    def _wave(self, pixels: Any, bits: Floats) -> Floats:
        (wave,) = self._encoder.run(None, {"image": _planes(pixels), "bits": bits[None, None]})
        found: Floats = wave[0]
        return found

    def _heard(self, image: Image.Image) -> Floats:
        """The log odds of each cell of an image whose sides are multiples of 8."""
        (logits,) = self._decoder.run(None, {"image": _planes(np.asarray(image))})
        found: Floats = logits[0, 0]
        return found


def _reading(seen: Image.Image, secret: bytes, hit: Hit, payload: Payload) -> Reading:
    geometry = geometry_of(hit)
    whole = upright(seen, geometry)
    tag = None if whole is None else agreement(whole, payload.tag, secret)
    return Reading("read", payload, hit.score, min(p_value(hit.score, "whole"), 2.0**-26), geometry, tag)


def _channels(secret: bytes) -> tuple[Channel, Channel]:
    pattern = Pattern.of(secret)
    return pattern.luma, pattern.blue


def _pilots(channel: Channel, size: tuple[int, int]) -> Floats:
    """The pilots alone, of unit variance, over a canonical frame."""
    coefficients = channel.amplitudes * channel.phases
    coefficients[channel.pilots :] = 0
    coefficients /= np.sqrt(2 * (np.abs(coefficients) ** 2).sum())
    width, height = size
    return render(channel, coefficients, np.arange(width) + 0.5, np.arange(height) + 0.5)


def _padded(image: Image.Image) -> Any:
    """Its pixels, the last row and column repeated until both sides are multiples of a cell."""
    pixels = np.asarray(image)
    return np.pad(pixels, ((0, -pixels.shape[0] % CELL), (0, -pixels.shape[1] % CELL), (0, 0)), mode="edge")


def _added(pixels: Any, change: Floats, room: Floats) -> Any:
    """Pixels (h, w, 3) with a canonical change (2, ...) in gray levels added; white and black give way to it."""
    size = (pixels.shape[1], pixels.shape[0])
    luma, blue = (_resized(each, size, Image.Resampling.BICUBIC) for each in change)
    luma_room, blue_room = (_resized(each, size, Image.Resampling.BILINEAR) for each in room)
    luma = luma - LUMA_WEIGHTS[2] * blue
    marked = np.empty_like(pixels)
    least = _HEADROOM[0] * luma_room
    most = 255 - least
    for index in range(3):
        if index == 2:
            luma = luma + blue
            least += _HEADROOM[1] * blue_room
            most = 255 - least
        plane = np.maximum(pixels[..., index], least)
        np.minimum(plane, most, out=plane)
        plane += luma
        np.rint(plane, out=plane)
        np.clip(plane, 0, 255, out=plane)
        marked[..., index] = plane
    return marked


def _psnr(before: Any, after: Any) -> float:
    difference = (after[::4, :, :3].astype(np.float32) - before[::4, :, :3]).ravel()
    return float(10 * np.log10(255**2 / max(1e-9, float(difference @ difference) / difference.size)))


def _resized(plane: Floats, size: tuple[int, int], how: Image.Resampling) -> Floats:
    if (plane.shape[1], plane.shape[0]) == size:
        return plane
    return np.asarray(Image.fromarray(np.ascontiguousarray(plane, np.float32)).resize(size, how))


def _planes(pixels: Any) -> Floats:
    return np.ascontiguousarray(pixels.astype(np.float32).transpose(2, 0, 1)[None] / 255)


@cache
def _opened(encoder: Path, decoder: Path, secret: bytes, retired: tuple[bytes, ...]) -> NeuralWatermark:
    return NeuralWatermark(encoder, decoder, secret, retired)


def _session(path: Path) -> Any:
    try:
        runtime: Any = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise ConfigError("The neural watermark needs onnxruntime: pip install safelight[embedded]") from error
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > _LARGEST:
        raise ConfigError(f"{path} measures {len(data) / 1e6:.0f} MB: a network of a watermark has less than 10.")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1  # many images at once, not many threads an image
    options.log_severity_level = 3
    try:
        return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own errors have no common class
        raise ConfigError(f"{path} is not a network that onnxruntime can run: {error}") from error
