"""Real policies and models, loaded once; and stand-ins for models, to be broken."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from safelight.safety import PolicySet
from safelight.safety.moderators.classifier import Classifier, shared_classifier
from safelight.safety.moderators.encoder import WIDTH, Encoder


@pytest.fixture(scope="session")
def policies() -> PolicySet:
    return PolicySet.load()


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return shared_classifier()


class BrokenEncoder(Encoder):
    """Answers with what it was given, however wrong."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self._answer = answer

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        if isinstance(self._answer, Exception):
            raise self._answer
        return np.full((len(texts), WIDTH), self._answer, np.float32)


@pytest.fixture
def broken_encoder() -> type[BrokenEncoder]:
    return BrokenEncoder
