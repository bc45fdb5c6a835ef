"""How good it is, in figures with intervals: the table of layers, and the attacks it is put to."""

from __future__ import annotations

from .attacks import ATTACKS, attack
from .cases import Case, read_cases, sample, shipped_cases
from .grader import Grade, Grader, Jury
from .intervals import Proportion, wilson
from .table import Counts, Judged, Row, row_of

__all__ = [
    "ATTACKS",
    "Case",
    "Counts",
    "Grade",
    "Grader",
    "Judged",
    "Jury",
    "Proportion",
    "Row",
    "attack",
    "read_cases",
    "row_of",
    "sample",
    "shipped_cases",
    "wilson",
]
