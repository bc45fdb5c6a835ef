"""What is put before a moderator, and the digest that a clearance binds to."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

__all__ = ["Content", "ImagePart", "Part", "Stage", "TextPart"]


class Stage(StrEnum):
    """Where in a run content is put before a moderator."""

    PROMPT = "prompt"
    PLAN = "plan"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    GENERATOR_INPUT = "generator_input"
    GENERATOR_OUTPUT = "generator_output"
    IMAGE_SET = "image_set"


# Digests are cached, so nothing below may be able to change after it was hashed: text is exactly `str` and data exactly
# `bytes` (a subclass could answer differently the second time it is asked, a bytearray could be written to). Copying
# and unpickling go through the constructor, so that a cached digest is never carried along from elsewhere.


@dataclass(frozen=True)
class TextPart:
    """A passage of text. `source` says where it stands (`prompt`, `plan`, `page https://…`, `ocr`);
    `trusted` is false for whatever came from outside the conversation: it is data, never instruction."""

    text: str
    source: str = "prompt"
    trusted: bool = True

    def __post_init__(self) -> None:
        if type(self.text) is str:
            return
        if not isinstance(self.text, str):
            raise TypeError(f"A TextPart holds str, not {type(self.text).__name__}.")
        object.__setattr__(self, "text", str.__str__(self.text))

    def __reduce__(self) -> tuple[Any, ...]:
        return TextPart, (self.text, self.source, self.trusted)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the exact text (UTF-8, lone surrogates kept)."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True)
class ImagePart:
    """An encoded image: exactly the bytes that a generator will get or that a user will be given."""

    data: bytes = field(repr=False)
    media_type: str = "image/png"
    source: str = "input"

    def __post_init__(self) -> None:
        if type(self.data) is bytes:
            return
        if not isinstance(self.data, bytes | bytearray | memoryview):
            raise TypeError(f"An ImagePart holds bytes, not {type(self.data).__name__}.")
        object.__setattr__(self, "data", bytes(memoryview(self.data)))

    def __reduce__(self) -> tuple[Any, ...]:
        return ImagePart, (self.data, self.media_type, self.source)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the encoded bytes."""
        return hashlib.sha256(self.data).digest()

    @property
    def ref(self) -> str:
        """The blob reference of these bytes: `sha256:<64 hex digits>`."""
        return f"sha256:{self.digest.hex()}"


Part = TextPart | ImagePart


@dataclass(frozen=True)
class Content:
    """Parts to be judged at one stage, with the context in which they should be read.

    `parts` are what will move (to a tool, a generator, the user) and what a clearance binds to. `context` is what a
    moderator should know beside them (earlier turns, parent images, the plan, our own summary of the intent): judged
    together with the parts, never part of the digest. `stacks` names the policy stacks that apply strictly (`minors`,
    `bio`): there, what nobody could check is blocked. `final` tells that nobody will rewrite it: it passes as it is, or
    is refused.

    Raises:
        TypeError: the stage is no Stage, or a part is neither a TextPart nor an ImagePart.
    """

    stage: Stage
    parts: tuple[Part, ...]
    context: tuple[Part, ...] = ()
    stacks: frozenset[str] = frozenset()
    final: bool = False

    def __post_init__(self) -> None:
        if type(self.stage) is not Stage:
            raise TypeError(f"Content is put before a Stage, not {self.stage!r}.")
        for name, sort in (("parts", tuple), ("context", tuple), ("stacks", frozenset)):
            if type(getattr(self, name)) is not sort:
                object.__setattr__(self, name, sort(getattr(self, name)))
        for part in (*self.parts, *self.context):
            # Exact types: a subclass could bring a digest of its own.
            if type(part) is not TextPart and type(part) is not ImagePart:
                raise TypeError(f"Content consists of TextParts and ImageParts, not of {type(part).__name__}.")

    def __reduce__(self) -> tuple[Any, ...]:
        return Content, (self.stage, self.parts, self.context, self.stacks, self.final)

    @classmethod
    def of_text(
        cls, stage: Stage, text: str, *, source: str = "prompt", trusted: bool = True, final: bool = False
    ) -> Content:
        """The common case: one passage of text."""
        return cls(stage, (TextPart(text, source, trusted),), final=final)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 that commits to the number, order, kind and exact content of the parts.

        Framed (domain tag, count, then kind and fixed-size hash of each part), so that no two different part lists
        share an encoding. `source`, `trusted`, `context`, `stacks` and `final` guide judgement but do not move, and are
        left out.
        """
        frame = hashlib.sha256(b"safelight.content.v1\0" + struct.pack(">I", len(self.parts)))
        for part in self.parts:
            frame.update(b"T" if isinstance(part, TextPart) else b"I")
            frame.update(part.digest)
        return frame.digest()

    @property
    def texts(self) -> tuple[TextPart, ...]:
        return tuple(part for part in self.parts if isinstance(part, TextPart))

    @property
    def images(self) -> tuple[ImagePart, ...]:
        return tuple(part for part in self.parts if isinstance(part, ImagePart))

    @property
    def modalities(self) -> tuple[str, ...]:
        """Which of `text` and `image` are among the parts: what `Verdict.checked` should speak about."""
        return ("text",) * bool(self.texts) + ("image",) * bool(self.images)

    def at(self, stage: Stage) -> Content:
        """The same content, put before another stage."""
        return replace(self, stage=stage)
