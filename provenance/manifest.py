"""What a manifest of ours says: a C2PA manifest definition from the public facts of one image.

Labels and algorithm names that are ours carry `NAMESPACE`. Numbers stay out of lists, which the reading library would
show as bytes (c2pa-rs #2570), and a definition stays far below its limit of 1 MiB.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from .stamp import StampFacts

__all__ = [
    "CREATED_ASSERTIONS",
    "FINGERPRINT_ALGORITHM",
    "NAMESPACE",
    "PARENT_LABEL",
    "RUN_LABEL",
    "WATERMARK_ALGORITHM",
    "WATERMARK_ALGORITHMS",
    "Bindings",
    "definition",
    "ingredient",
]

NAMESPACE: Final = "org.safelight"
RUN_LABEL: Final = f"{NAMESPACE}.run"
WATERMARK_ALGORITHM: Final = f"{NAMESPACE}.spread.1"
WATERMARK_ALGORITHMS: Final = (WATERMARK_ALGORITHM, f"{NAMESPACE}.neural.1")
FINGERPRINT_ALGORITHM: Final = f"{NAMESPACE}.pdq"
PARENT_LABEL: Final = "parent"
# What the signer itself vouches for; by default the library lists all but the hard binding as merely gathered.
CREATED_ASSERTIONS: Final = [
    "c2pa.actions",
    "c2pa.actions.v2",
    "c2pa.soft-binding",
    "c2pa.ai-disclosure",
    "cawg.metadata",
    RUN_LABEL,
]

_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@dataclass(frozen=True)
class Bindings:
    """What ties a manifest to the pixels. `pixels` is a digest of the decoded samples by tile, `mark` the watermark's
    payload and `algorithm` the engine that put it there; all None where there is none."""

    image_id: str
    fingerprint: bytes
    width: int
    height: int
    pixels: str
    mark: str | None = None
    algorithm: str | None = None


def definition(
    facts: StampFacts, bindings: Bindings, *, media_type: str, version: str, now: datetime, is_development: bool
) -> dict[str, Any]:
    """The manifest definition, for the ingredients `parent`, `parent-1`, … and `component-0`, … (see `ingredient`)."""
    assertions = [
        {"label": "c2pa.actions.v2", "data": {"actions": _actions(facts, bindings, version, now)}},
        *_soft_bindings(bindings),
        {"label": RUN_LABEL, "data": _run(facts, bindings, is_development)},
    ]
    if not facts.algorithmic and not facts.adopted:
        assertions.append({"label": "c2pa.ai-disclosure", "data": _disclosure(facts)})
    if facts.sources or facts.title:
        assertions.append({"label": "cawg.metadata", "data": _metadata(facts)})
    return {
        "claim_generator_info": [{"name": "Safelight", "version": version}],
        "title": facts.title or bindings.image_id,
        "format": media_type,
        "assertions": assertions,
    }


def ingredient(role: str, index: int, media_type: str | None) -> dict[str, str]:
    """The ingredient of a parent or component: C2PA allows one `parentOf`, further parents are `componentOf`.

    `media_type` is None for an archive, which says it itself. What an image only refers to is `inputTo`: its pixels are
    not in the result, which is what `componentOf` would say (C2PA 2.x, relationships of ingredients).
    """
    said = {} if media_type is None else {"format": media_type}
    if role == "parent":
        relationship = "componentOf" if index else "parentOf"
        label = f"{PARENT_LABEL}-{index}" if index else PARENT_LABEL
        return {"title": f"input {index + 1}", "relationship": relationship, "label": label, **said}
    return {"title": f"reference {index + 1}", "relationship": "inputTo", "label": f"component-{index}", **said}


def _actions(facts: StampFacts, bindings: Bindings, version: str, now: datetime) -> list[dict[str, Any]]:
    when = now.isoformat(timespec="seconds")
    agent = {"name": facts.model, **({"version": facts.model_version} if facts.model_version else {})}
    references = [f"component-{index}" for index in range(len(facts.components))]
    made: dict[str, Any] = {"softwareAgent": agent, "when": when}
    if references:
        made["parameters"] = {"ingredientIds": references}
    if not facts.parents:
        actions = [{"action": "c2pa.created", "digitalSourceType": _SOURCE_TYPE + _source_type(facts), **made}]
    else:
        actions = [{"action": "c2pa.opened", "when": when, "parameters": {"ingredientIds": [PARENT_LABEL]}}]
        actions += [
            {"action": "c2pa.placed", "when": when, "parameters": {"ingredientIds": [f"{PARENT_LABEL}-{index}"]}}
            for index in range(1, len(facts.parents))
        ]
        if not facts.adopted:
            actions.append({"action": "c2pa.edited", "digitalSourceType": _SOURCE_TYPE + _source_type(facts), **made})
    if bindings.mark is not None:
        stamper = {"name": "Safelight", "version": version}
        actions.append({"action": "c2pa.watermarked.bound", "softwareAgent": stamper, "when": when})
    return actions


def _source_type(facts: StampFacts) -> str:
    """The IPTC digital source type: how the pixels came about."""
    if facts.parents:
        return "composite" if facts.algorithmic else "compositeWithTrainedAlgorithmicMedia"
    return "algorithmicMedia" if facts.algorithmic else "trainedAlgorithmicMedia"


def _soft_bindings(bindings: Bindings) -> list[dict[str, Any]]:
    """C2PA 2.x section 9.3: what finds this manifest again after it was stripped."""
    values = [(FINGERPRINT_ALGORITHM, base64.b64encode(bindings.fingerprint).decode())]
    if bindings.mark is not None:
        algorithm = bindings.algorithm or WATERMARK_ALGORITHM
        values.insert(0, (algorithm, base64.b64encode(bytes.fromhex(bindings.mark)).decode()))
    return [
        {
            "label": "c2pa.soft-binding",
            "data": {"alg": algorithm, "pad": [0], "blocks": [{"scope": {}, "value": value}]},
        }
        for algorithm, value in values
    ]


def _run(facts: StampFacts, bindings: Bindings, is_development: bool) -> dict[str, Any]:
    said = {
        "run_id": facts.run_id,
        "image": facts.image,
        "image_id": bindings.image_id,
        "width": bindings.width,
        "height": bindings.height,
        "pixels": bindings.pixels,
        "model": facts.model,
        "policy_version": facts.policy_version,
        "development": is_development,
        "sources": [{"title": title, "url": url} for title, url in facts.sources],
    }
    if facts.prompt is not None:
        said["prompt"] = facts.prompt
    return said


def _disclosure(facts: StampFacts) -> dict[str, Any]:
    """C2PA 2.4 section 18.27, AI disclosure."""
    return {
        "modelType": "c2pa.types.model",
        "modelName": facts.model,
        "contentProfile": {"humanOversightLevel": "prompt_guided"},
    }


def _metadata(facts: StampFacts) -> dict[str, Any]:
    """CAWG metadata 1.1: title and citations, in Dublin Core."""
    said: dict[str, Any] = {"@context": {"dc": "http://purl.org/dc/elements/1.1/"}}
    if facts.title:
        said["dc:title"] = facts.title
    if facts.sources:
        said["dc:source"] = [f"{title} <{url}>" if title else url for title, url in facts.sources]
    return said
