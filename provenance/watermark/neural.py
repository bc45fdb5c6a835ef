"""The neural engine: an encoder and a decoder that were trained elsewhere, behind the same protocol.

The encoder (ONNX; `image` (1, 3, side, side) in 0..1 and `bits` (1, n) of -1 and 1, to what is added to the image)
works on a reduced copy; what it adds is enlarged to the image's size. The decoder (`image` to n values, positive for 1)
sees a reduced copy too. Both are less than 10 MB. `benchmarks/train_watermark.py` trains and writes them.

The payload is the classical engine's, its bits scrambled by the key, and repeated where n has room. Of the least sure
bits a few are tried both ways (Chase, "A class of algorithms for decoding block codes", IEEE Trans. Inf. Theory 18(1),
1972). Nothing but the payload's keyed code says that a mark was read.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from ...errors import BadImage, ConfigError
from ..fingerprint import opaque
from .engine import Effort, Geometry, Marked, Payload, Reading
from .orientation import ORIENTATIONS, upright
from .pattern import CANONICAL
from .payload import PAYLOAD_BITS, VERSION, open_bits, seal_bits, subkey
from .tag import agreement, tag_of

__all__ = ["NeuralWatermark"]

_LARGEST: Final = 10_000_000  # bytes a network
_SHORTEST: Final = 64  # pixels
_UNSURE: Final = 6  # bits tried both ways: 8 orientations of 2**6 guesses leave a false alarm of 1.2e-7
_FALSE_ALARM: Final = len(ORIENTATIONS) * 2.0 ** (_UNSURE - 32)


class NeuralWatermark:
    """The neural watermark under one secret (32 bytes or more); it also reads those of `retired` secrets.

    It knows the whole frame in its eight orientations, and as much of crops and turns as its decoder was trained for.
    """

    name = "org.safelight.neural.1"

    def __init__(self, encoder: Path, decoder: Path, secret: bytes, retired: Sequence[bytes] = ()) -> None:
        """Raises ConfigError where a network cannot be used, or onnxruntime is not installed."""
        self._secret, self._retired = secret, tuple(retired)
        self._encoder, self._decoder = _session(encoder), _session(decoder)
        try:
            (image, bits), (seen,) = self._encoder.get_inputs(), self._decoder.get_inputs()
            self._side, self._bits = int(image.shape[-1]), int(bits.shape[-1])
            fits = list(image.shape) == list(seen.shape) == [1, 3, self._side, self._side]
        except (ValueError, TypeError, IndexError) as error:
            raise ConfigError(f"{encoder} and {decoder} are not the networks of a watermark: {error}.") from error
        if not fits or self._bits < PAYLOAD_BITS or self._decoder.get_outputs()[0].shape[-1] != self._bits:
            raise ConfigError(f"{encoder} and {decoder} do not go together, or carry fewer than {PAYLOAD_BITS} bits.")

    def embed(self, image: Image.Image, image_number: int) -> Marked:
        """Mark an image (RGB or RGBA), but for what is fully transparent. Raises BadImage where it is too small."""
        if image.mode not in ("RGB", "RGBA"):
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        if min(image.size) < _SHORTEST:
            raise BadImage(f"{image.width} x {image.height} pixels are too few for a watermark.")
        seen = opaque(image)
        payload = Payload(VERSION, image_number, tag_of(seen, self._secret))
        bits = self._scrambled(seal_bits(payload, self._secret), self._secret)
        signs = (2 * bits.astype(np.float32) - 1)[None]
        (mark,) = self._encoder.run(None, {"image": self._reduced(seen), "bits": signs})
        pixels = np.array(image)
        change = np.stack([np.asarray(_enlarged(plane, image.size)) for plane in 255 * mark[0]], -1)
        if image.mode == "RGBA":
            change *= pixels[..., 3:] > 0
        marked = np.clip(np.rint(pixels[..., :3] + change), 0, 255).astype(np.uint8)
        error = float(np.mean((marked.astype(np.float32) - pixels[..., :3]) ** 2))
        psnr = float(10 * np.log10(255**2 / max(error, 1e-9)))
        made = Image.fromarray(np.concatenate([marked, pixels[..., 3:]], -1))
        is_read = self.read(made, "upright").payload == payload
        return Marked(made, payload, psnr, is_read, {"psnr": psnr, "robust": is_read})

    def read(self, image: Image.Image, effort: Effort = "full") -> Reading:
        """Look for a mark: `upright` as the image lies, `full` also turned and mirrored."""
        seen = opaque(image).convert("RGB")
        if min(seen.size) < 24:
            return Reading("absent")
        shift = (seen.width / 2 * CANONICAL / max(seen.size), seen.height / 2 * CANONICAL / max(seen.size))
        for matrix in ORIENTATIONS if effort == "full" else ORIENTATIONS[:1]:
            a, b, c, d = (float(each) for each in matrix.ravel())
            center = shift if a else shift[::-1]
            turned = upright(seen, Geometry((a, b, c, d), center, CANONICAL))
            if turned is None:
                continue
            (values,) = self._decoder.run(None, {"image": self._reduced(turned)})
            for secret in (self._secret, *self._retired):
                payload = self._payload(values[0], secret)
                if payload is not None:
                    geometry = Geometry((a, b, c, d), center, CANONICAL)
                    score = float(np.abs(values).mean())
                    tag = agreement(turned, payload.tag, secret)
                    return Reading("read", payload, score, _FALSE_ALARM, geometry, tag)
        return Reading("absent")

    def pack(self, payload: Payload) -> bytes:
        """The payload as it is sealed into an image: 12 bytes."""
        return np.packbits(seal_bits(payload, self._secret)).tobytes()

    def _reduced(self, image: Image.Image) -> Any:
        small = image.resize((self._side, self._side), Image.Resampling.BILINEAR)
        return np.asarray(small, np.float32).transpose(2, 0, 1)[None] / 255

    def _scrambled(self, sealed: Any, secret: bytes) -> Any:
        """The network's bits of a sealed payload."""
        place, mask = self._veil(secret)
        return sealed[place] ^ mask

    def _payload(self, values: Any, secret: bytes) -> Payload | None:
        place, mask = self._veil(secret)
        signed = np.where(mask, -values, values)
        soft = np.bincount(place, signed, PAYLOAD_BITS)
        bits = (soft > 0).astype(np.uint8)
        unsure = np.argsort(np.abs(soft))[:_UNSURE]
        for flips in product((0, 1), repeat=_UNSURE):
            tried = bits.copy()
            tried[unsure] ^= np.array(flips, np.uint8)
            payload = open_bits(tried, secret)
            if payload is not None:
                return payload
        return None

    def _veil(self, secret: bytes) -> tuple[Any, Any]:
        """Which payload bit each of the network's bits carries, and which of them are inverted."""
        rng = np.random.Generator(np.random.PCG64(int.from_bytes(subkey(secret, "neural"))))
        place = rng.permutation(np.arange(self._bits) % PAYLOAD_BITS)
        return place, rng.integers(0, 2, self._bits, dtype=np.uint8)


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


def _enlarged(plane: Any, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(plane, np.float32)).resize(size, Image.Resampling.BILINEAR)
