"""One generator call as its guards see it: what goes in, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass

from ..safety.content import Content, ImagePart, Part, Stage, TextPart
from ..safety.guard import Declined
from ..safety.verdict import Decision, Finding, Verdict
from ..tools.images.generator import DeclinedImage, GeneratedImage, ImageRequest
from ..tools.images.spec import prompt_text

__all__ = ["ImageJob", "image_content", "picture_content", "request_content"]


@dataclass(frozen=True)
class ImageJob:
    """One generator call. `intent` is our own summary of what the set is for; `repeat_unknown` as in `RunContext`.

    `failure` says why the generators that were tried before made no image.
    """

    run_id: str
    request: ImageRequest
    intent: str = ""
    repeat_unknown: bool = False
    failure: str = ""


def request_content(job: ImageJob, *, generator: str = "") -> Content:
    """What the generator gets: every word of it, the images that it refers to, and the digest of the whole request.

    The digest says nothing to a moderator; it binds the clearance to the rest of the request (sizes, colors, figures)
    and to the generator that it is for.
    """
    request = job.request
    images: tuple[Part, ...] = tuple(ImagePart(data, source="reference") for _, data in sorted(request.images.items()))
    text = TextPart(prompt_text(request.spec, request.style), source="generator prompt")
    whole = TextPart(" ".join(part for part in ("request", request.digest, generator) if part), source="digest")
    return Content(Stage.GENERATOR_INPUT, (text, whole, *images), context=_intent(job))


def image_content(image: GeneratedImage | DeclinedImage, job: ImageJob) -> Content | Declined:
    """The image as it came, or the refusal that came in its place."""
    if isinstance(image, DeclinedImage):
        return _declined(image)
    return picture_content(image.data, image.media_type, job)


def picture_content(data: bytes, media_type: str, job: ImageJob) -> Content:
    """A picture that a generator made; beside it our own intent and the text that was to be set, never the user's
    adjectives."""
    parents = tuple(ImagePart(data, source="parent") for _, data in sorted(job.request.images.items()))
    wanted = TextPart("\n".join(job.request.spec.texts()), source="text to set")
    part = ImagePart(data, media_type, source="output")
    return Content(Stage.GENERATOR_OUTPUT, (part,), context=(wanted, *_intent(job), *parents))


def _declined(image: DeclinedImage) -> Declined:
    """The generator's refusal as a verdict under our own policies, where its categories name any."""
    what = "the image that it had made" if image.stage == "output" else "the request"
    named = f" ({', '.join(image.categories)})" if image.categories else ""
    verdict = Verdict(
        decision=Decision.BLOCK,
        moderator=image.model,
        reason=f"the safety system of {image.model} blocked {what}{named}",
        findings=tuple(
            Finding(
                policy=policy,
                category=", ".join(image.categories) or policy,
                score=1.0,
                decision=Decision.BLOCK,
                moderator=image.model,
                evidence=f"blocked by {image.model} itself",
            )
            for policy in image.policies
        ),
    )
    return Declined(verdict, Stage.GENERATOR_OUTPUT if image.stage == "output" else Stage.GENERATOR_INPUT)


def _intent(job: ImageJob) -> tuple[Part, ...]:
    return (TextPart(job.intent, source="intent"),) if job.intent else ()
