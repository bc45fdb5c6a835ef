"""The digest commits to everything that moves, and nothing that is hashed can change."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from safelight.safety import Content, ImagePart, Stage, TextPart

parts = st.one_of(
    st.text(max_size=40).map(TextPart),
    st.binary(max_size=40).map(ImagePart),
)
contents = st.builds(Content, st.sampled_from(Stage), st.lists(parts, max_size=5).map(tuple))


@given(contents, contents)
def test_equal_digests_mean_equal_parts(one: Content, other: Content) -> None:
    same = [part.text if isinstance(part, TextPart) else part.data for part in one.parts] == [
        part.text if isinstance(part, TextPart) else part.data for part in other.parts
    ]
    assert (one.digest == other.digest) == same


@given(contents, st.data())
def test_order_number_and_kind_are_committed_to(content: Content, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(content.parts))
    assume(tuple(shuffled) != content.parts)
    assert Content(content.stage, tuple(shuffled)).digest != content.digest
    assert Content(content.stage, (*content.parts, TextPart(""))).digest != content.digest


def test_a_text_is_not_an_image_of_the_same_bytes() -> None:
    assert Content(Stage.PLAN, (TextPart("abc"),)).digest != Content(Stage.PLAN, (ImagePart(b"abc"),)).digest


@pytest.mark.parametrize(
    ("one", "other"),
    [(("ab", "c"), ("a", "bc")), (("abc",), ("ab", "c")), (("",), ()), (("", ""), ("",)), (("é",), ("e\u0301",))],
)
def test_no_two_splits_share_a_digest(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    digests = {Content(Stage.PLAN, tuple(map(TextPart, texts))).digest for texts in (one, other)}
    assert len(digests) == 2


def test_lone_surrogates_have_digests_of_their_own() -> None:
    assert TextPart("\ud800").digest != TextPart("\ud801").digest


def test_what_guides_judgement_is_no_part_of_the_digest() -> None:
    plain = Content.of_text(Stage.PROMPT, "hello")
    other = Content(Stage.PROMPT, (TextPart("hello", "page", trusted=False),), context=(TextPart("before"),))
    assert plain.digest == other.digest
    assert plain.at(Stage.PLAN).digest == plain.digest


def test_a_mutable_buffer_is_copied() -> None:
    buffer = bytearray(b"harmless")
    for part in (ImagePart(buffer), ImagePart(memoryview(buffer))):  # type: ignore[arg-type]
        assert part.data == b"harmless"
        digest = part.digest
        buffer[:] = b"harmful!"
        assert (part.data, part.digest) == (b"harmless", digest)
        buffer[:] = b"harmless"


class _Shifty(str):
    """A string that is encoded differently from what it says."""

    def encode(self, *_: Any, **__: Any) -> bytes:  # type: ignore[override]
        return b"something else"

    def __str__(self) -> str:
        return "something else"


def test_a_string_that_lies_about_itself_is_made_honest() -> None:
    part = TextPart(_Shifty("the truth"))
    assert type(part.text) is str
    assert part.text == "the truth"
    assert part.digest == TextPart("the truth").digest


class _LyingPart(TextPart):
    @property
    def digest(self) -> bytes:  # type: ignore[override]
        return TextPart("harmless").digest


@pytest.mark.parametrize("wrong", ["a string", b"bytes", None, _LyingPart("harm")])
def test_only_parts_are_parts(wrong: Any) -> None:
    with pytest.raises(TypeError, match="Content consists of"):
        Content(Stage.PROMPT, (wrong,))
    with pytest.raises(TypeError, match="Content consists of"):
        Content(Stage.PROMPT, (), context=(wrong,))


@pytest.mark.parametrize("wrong", ["prompt", None, 3])
def test_only_a_stage_is_a_stage(wrong: Any) -> None:
    with pytest.raises(TypeError, match="Stage"):
        Content(wrong, ())


def test_parts_hold_what_they_say() -> None:
    with pytest.raises(TypeError, match="holds str"):
        TextPart(b"bytes")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="holds bytes"):
        ImagePart("text")  # type: ignore[arg-type]


@given(contents)
def test_copies_hash_anew(content: Content) -> None:
    """A digest that was planted in the original does not travel with a copy or a pickle."""
    honest = Content(content.stage, content.parts).digest
    planted = Content(content.stage, content.parts)
    planted.__dict__["digest"] = b"\0" * 32
    for part in planted.parts:
        part.__dict__["digest"] = b"\0" * 32
    for clone in (copy.copy(planted), copy.deepcopy(planted), pickle.loads(pickle.dumps(planted))):  # noqa: S301
        fresh = Content(clone.stage, tuple(copy.copy(part) for part in clone.parts))
        assert fresh.digest == honest
        assert "digest" not in clone.__dict__
    deep = copy.deepcopy(planted)
    assert deep.digest == honest


def test_lists_are_taken_as_tuples() -> None:
    mutable = [TextPart("a")]
    content = Content(Stage.PROMPT, mutable, stacks={"bio"})  # type: ignore[arg-type]
    mutable.append(TextPart("b"))
    assert content.parts == (TextPart("a"),)
    assert content.stacks == frozenset({"bio"})


def test_modalities_and_views() -> None:
    text, image = TextPart("a"), ImagePart(b"b")
    assert Content(Stage.PROMPT, ()).modalities == ()
    assert Content(Stage.PROMPT, (image,)).modalities == ("image",)
    both = Content(Stage.PROMPT, (image, text))
    assert (both.modalities, both.texts, both.images) == (("text", "image"), (text,), (image,))
    assert image.ref == "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
    assert "data" not in repr(image)
