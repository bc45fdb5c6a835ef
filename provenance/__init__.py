"""What is left on an image, and how it is recognised: C2PA manifest, watermark, fingerprint, verdict.

from safelight.provenance import assess

print(assess("image.png").verdict)       # ours, probably_ours, other_generator or no_evidence
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .assessing import assess
    from .stamp import Assessment, Leg, Stamp, Stamper, StampFacts

__all__ = ["Assessment", "Leg", "Stamp", "StampFacts", "Stamper", "assess"]


def __getattr__(name: str) -> Any:
    """Import on first use: the watermark alone needs nothing but NumPy, SciPy and Pillow."""
    if name in __all__:
        return getattr(import_module(".assessing" if name == "assess" else ".stamp", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
