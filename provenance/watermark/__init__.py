"""Marks that live in the pixels: blind, keyed, and still there after cropping, scaling, turning and re-encoding."""

from .engine import Geometry, Marked, Payload, Reading, WatermarkEngine
from .spread import SpreadSpectrum

__all__ = ["Geometry", "Marked", "Payload", "Reading", "SpreadSpectrum", "WatermarkEngine"]
