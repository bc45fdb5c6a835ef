"""The whole API, held against its own description with made-up requests: no crash, no answer that is not described."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    missing_required_header,
    positive_data_acceptance,
    unsupported_method,
)

# Data that fits the description may still be refused: an image must decode, a run must exist. A keyless server takes
# any key, as clients that insist on sending one need.
NOT_PROMISED = [ignored_auth, positive_data_acceptance, missing_required_header, unsupported_method]


def answers_as_described(url: str, examples: int) -> None:
    """Raises on the first answer of any operation that its description does not know."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    schema.config.update(base_url=url)
    for found in schema.get_all_operations():
        operation = found.ok()

        @hypothesis.given(case=operation.as_strategy())
        @hypothesis.settings(
            max_examples=examples, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )  # fmt: skip
        def ask(case: Any) -> None:
            case.call_and_validate(excluded_checks=NOT_PROMISED, timeout=30)

        ask()


def test_every_answer_is_described(server: Any) -> None:
    answers_as_described(server.url, 4)


@pytest.mark.slow
def test_every_answer_is_described_at_length(server: Any) -> None:
    answers_as_described(server.url, 100)
