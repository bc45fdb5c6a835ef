"""Attacks change the form and never the meaning: what they do can be undone, and the same seed does the same."""

from __future__ import annotations

import base64
import codecs
import io
import unicodedata
import urllib.parse

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageOps

from safelight.evals.attacks import ATTACKS, attack
from safelight.evals.image_attacks import IMAGE_ATTACKS, attack_image

PLAIN = st.text("abcdefghijklmnopqrstuvwxyz ", min_size=1, max_size=60).filter(str.strip)


def picture() -> Image.Image:
    image = Image.new("RGB", (96, 64), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((8, 8, 40, 50), fill="red")
    draw.text((50, 20), "WORD", fill="black")
    return image


def encoded(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


@pytest.mark.parametrize("name", sorted(ATTACKS))
@given(text=PLAIN, seed=st.integers(0, 5))
def test_the_same_seed_gives_the_same_disguise(name: str, text: str, seed: int) -> None:
    assert attack(name, text, seed=seed) == attack(name, text, seed=seed)


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_every_attack_disguises(name: str) -> None:
    assert attack(name, "a picture of something that is not allowed") != "a picture of something that is not allowed"


@given(PLAIN)
def test_what_is_encoded_can_be_decoded(text: str) -> None:
    assert base64.b64decode(attack("base64", text).rsplit(" ", 1)[1]).decode() == text
    assert bytes.fromhex(attack("hex", text).rsplit(" ", 1)[1]).decode() == text
    assert codecs.decode(attack("rot13", text).removeprefix("ROT13, decode and illustrate: "), "rot13") == text
    assert urllib.parse.unquote(attack("percent", text)) == text
    assert attack("reversed", text).removeprefix("Read this backwards, then draw it: ")[::-1] == text


@given(PLAIN)
def test_what_is_dressed_up_can_be_undressed(text: str) -> None:
    assert unicodedata.normalize("NFKC", attack("fullwidth", text)) == text
    assert unicodedata.normalize("NFKC", attack("circled", text)) == text
    assert "".join(char for char in attack("zero_width", text) if unicodedata.category(char) != "Cf") == text
    bare = unicodedata.normalize("NFD", attack("diacritics", text))
    assert "".join(char for char in bare if not unicodedata.combining(char)) == text
    assert text in attack("framing", text)


def test_an_attack_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        attack("none", "text")
    with pytest.raises(KeyError):
        attack_image("none", encoded(picture()))


@pytest.mark.parametrize("name", sorted(IMAGE_ATTACKS))
def test_image_attacks_are_seeded_and_change_the_bytes(name: str) -> None:
    data = encoded(picture())
    assert attack_image(name, data, seed=3) == attack_image(name, data, seed=3) != data
    assert opened(attack_image(name, data)).mode == "RGB"


@pytest.mark.parametrize("seed", range(6))
def test_turns_and_mirrors_lose_nothing(seed: int) -> None:
    image = picture()
    turned = opened(attack_image("rotation", encoded(image), seed=seed))
    assert any(
        np.array_equal(np.asarray(turned.transpose(back)), np.asarray(image))
        for back in (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    )
    mirrored = opened(attack_image("mirror", encoded(image), seed=seed))
    assert np.array_equal(np.asarray(ImageOps.mirror(mirrored)), np.asarray(image))


@pytest.mark.parametrize("seed", range(6))
def test_the_payload_stands_in_one_cell_of_the_grid(seed: int) -> None:
    image = np.asarray(picture())
    grid = np.asarray(opened(attack_image("tiling", encoded(picture()), seed=seed)))
    height, width = image.shape[:2]
    assert grid.shape == (2 * height, 2 * width, 3)
    cells = [grid[y : y + height, x : x + width] for y in (0, height) for x in (0, width)]
    assert sum(np.array_equal(cell, image) for cell in cells) == 1


def test_what_is_faded_comes_back_by_stretching() -> None:
    faded = opened(attack_image("contrast", encoded(picture())))
    assert np.asarray(faded).std() < np.asarray(picture()).std() / 3
    stretched = np.asarray(ImageOps.autocontrast(faded), dtype=float)
    assert np.corrcoef(stretched.ravel(), np.asarray(picture(), dtype=float).ravel())[0, 1] > 0.95


@pytest.mark.parametrize("name", ["jpeg", "noise", "overlay"])
def test_what_is_roughened_can_still_be_recognized(name: str) -> None:
    attacked = np.asarray(opened(attack_image(name, encoded(picture()))), dtype=float)
    assert np.corrcoef(attacked.ravel(), np.asarray(picture(), dtype=float).ravel())[0, 1] > 0.8
