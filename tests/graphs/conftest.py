"""Fixtures: a real guard, and the context of a run."""

from __future__ import annotations

import pytest

from safelight.tests.graphs.scenes import Bench, Context, make_bench


@pytest.fixture
def bench() -> Bench:
    return make_bench()


@pytest.fixture
def context() -> Context:
    return Context()
