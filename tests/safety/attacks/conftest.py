"""The shipped stack, loaded once."""

from __future__ import annotations

import pytest

from safelight.safety import PolicySet, SafetyStack
from safelight.safety.moderators import embedded_stack


@pytest.fixture(scope="session")
def policies() -> PolicySet:
    return PolicySet.load()


@pytest.fixture(scope="session")
def stack(policies: PolicySet) -> SafetyStack:
    return embedded_stack(policies, seconds=100)
