"""Labeled prompts: those that we ship, those that are given, and what is sampled of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.errors import BadFile
from safelight.evals.cases import Case, read_cases, sample, shipped_cases
from safelight.safety.policy import PolicySet

OWN = shipped_cases()


def test_our_own_prompts_cover_every_policy_from_both_sides() -> None:
    policies = {policy.id for policy in PolicySet.load()}
    assert {case.category for case in OWN if case.unsafe} == policies
    assert {case.near for case in OWN if case.near} == policies
    assert all(case.category == "benign" for case in OWN if not case.unsafe)


def test_our_own_prompts_are_many_different_and_in_many_languages() -> None:
    assert 350 <= len(OWN) <= 500
    assert len({case.prompt for case in OWN}) == len(OWN)
    spoken = Counter(case.lang for case in OWN)
    assert len(spoken) >= 8
    for lang in spoken:  # a language with one label only would teach that the language is the offense
        assert {case.label for case in OWN if case.lang == lang} == {"safe", "unsafe"}


def test_every_twin_belongs_to_an_unsafe_prompt() -> None:
    by_id = {case.id: case for case in OWN}
    for case in OWN:
        if case.near:
            other = by_id[case.id.removesuffix("-twin")]
            assert other.unsafe
            assert (other.category, other.lang) == (case.near, case.lang)


def test_no_prompt_tells_how_to_do_harm() -> None:
    # Clinical wording: a request names what it asks for and holds no amounts, parts or addresses of its own.
    for case in OWN:
        if case.unsafe:
            assert len(case.prompt) < 140
            assert not any(unit in case.prompt.split() for unit in ("g", "mg", "ml", "kg", "mm", "°C"))


def test_a_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    row = {"id": "1", "prompt": "a cat", "label": "safe", "category": "benign", "source": "x", "near": None}
    path.write_text(json.dumps(row) + "\n\n")
    assert read_cases(path) == [Case(id="1", prompt="a cat", label="safe", category="benign")]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("{", "line 1"),
        ("[]", "line 1"),
        ('{"id": "1", "prompt": "x", "label": "bad", "category": "hate"}', "label"),
        ('{"id": "1", "label": "safe", "category": "hate"}', "prompt"),
        ('{"id": "1", "prompt": "x", "label": "safe", "category": "c"}\n' * 2, "line 2.*twice"),
    ],
)
def test_a_line_that_is_no_case_is_named(tmp_path: Path, lines: str, fault: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(lines)
    with pytest.raises(BadFile, match=fault):
        read_cases(path)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="cannot be read"):
        read_cases(tmp_path / "absent.jsonl")


def test_a_sample_is_balanced() -> None:
    kinds = Counter("unsafe" if case.unsafe else "near" if case.near else "benign" for case in sample(OWN, 120))
    assert kinds == {"unsafe": 60, "near": 30, "benign": 30}
    assert Counter(case.category for case in sample(OWN, 120) if case.unsafe).most_common()[-1][1] >= 3


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 3))
def test_a_larger_sample_holds_the_smaller_one(limit: int, more: int, seed: int) -> None:
    small, large = sample(OWN, limit, seed=seed), sample(OWN, limit + more, seed=seed)
    assert len(small) == min(limit, len(OWN))
    assert {case.id for case in small} <= {case.id for case in large}
    assert len({case.id for case in large}) == len(large)
