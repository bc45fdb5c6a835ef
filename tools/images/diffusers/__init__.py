"""Image models on this machine, through the `diffusers` library."""

from .generator import Diffusers
from .options import DiffusersOptions

__all__ = ["Diffusers", "DiffusersOptions"]
