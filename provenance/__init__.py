"""What is left on an image, and how it is recognised: C2PA manifest, watermark, fingerprint, verdict."""

from .stamp import Assessment, Leg, Stamp, Stamper, StampFacts

__all__ = ["Assessment", "Leg", "Stamp", "StampFacts", "Stamper"]
