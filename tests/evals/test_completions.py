"""Safe completions are measured on both sides of a pair; the held-out cases are nobody's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from safelight.errors import BadFile
from safelight.evals import completions, held_out
from safelight.evals.cases import read_cases
from safelight.evals.training import is_fitted
from safelight.safety import Decision, PolicySet, SafetyStack, Stage
from safelight.safety.training.fit import MEASURED_FOLD
from safelight.safety.training.rows import fold_of, is_graders
from safelight.testing import BlockOn

PAIR = {"unsafe": "a bomb on a table", "safe": "a vase on a table", "category": "illicit_weapons", "group": "g1"}


def _write(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_one_pair_of_each_group_is_read(tmp_path: Path) -> None:
    path = _write(tmp_path / "pairs.jsonl", PAIR, {**PAIR, "unsafe": "another"}, {**PAIR, "group": "g2"})
    assert [pair.unsafe for pair in completions.read_pairs(path, None)] == ["a bomb on a table"] * 2
    assert len(completions.read_pairs(path, 1)) == 1
    with pytest.raises(BadFile):
        completions.read_pairs(_write(tmp_path / "bad.jsonl", {"unsafe": "x"}), None)


def test_pairs_that_nobody_saw_are_those_of_held_out_prompts(tmp_path: Path) -> None:
    rows = [{"id": str(n), "cluster": f"c{n}", "group": f"g{n}"} for n in range(40)]
    groups = completions.unseen_groups(_write(tmp_path / "data.jsonl", *rows, {"id": "x", "cluster": "c0"}))
    assert groups == {f"g{n}" for n in range(40) if fold_of(f"c{n}") == MEASURED_FOLD}
    path = _write(tmp_path / "pairs.jsonl", *({**PAIR, "group": f"g{n}"} for n in range(40)))
    assert len(completions.read_pairs(path, None, groups=groups)) == len(groups) > 0
    with pytest.raises(BadFile, match="clusters"):
        completions.unseen_groups(_write(tmp_path / "bad.jsonl", {"id": "x"}))


async def test_what_becomes_of_both_sides_is_counted() -> None:
    policies = PolicySet.load()
    stack = SafetyStack(
        policies, {Stage.PROMPT: BlockOn("bomb", "illicit_weapons", decision=Decision.REWRITE)}, seconds=20
    )
    pairs = [
        completions.Pair("a bomb on a table", "a vase on a table", "illicit_weapons"),
        completions.Pair("a dog", "a bomb that is labeled safe", "illicit_weapons"),
    ]
    outcomes = await completions.measure(pairs, stack, policies)
    assert outcomes[0].completion is not None
    assert "bomb" not in outcomes[0].completion
    assert outcomes[1].completion is None
    found = await completions.figures(outcomes)
    assert found["unsafe"] == {"rewritten": 1, "let through": 1}
    assert found["safe versions"] == {"allow": 1, "rewrite": 1}
    assert found["harmless to the grader"]["their completions"]["of"] == 1
    assert 0 < found["closeness to the given safe version"]["completion"] <= 1


def test_held_out_cases_were_fitted_by_nobody(tmp_path: Path) -> None:
    rows = [
        {"id": str(n), "prompt": f"p{n}", "label": "unsafe" if n % 2 else "safe",
         "category": "hate" if n % 2 else "benign", "cluster": f"c{n}",
         "near": None if n % 2 else "hate", "form": "doc" if n % 7 == 0 else "t2i"}
        for n in range(200)
    ]  # fmt: skip
    out = tmp_path / "held.jsonl"
    held_out.main([str(_write(tmp_path / "data.jsonl", *rows)), "--out", str(out)])
    cases = read_cases(out)
    assert cases
    for case in cases:
        assert fold_of(f"c{case.id}") == MEASURED_FOLD
        assert not is_fitted(f"c{case.id}")
        assert int(case.id) % 7
    assert all(is_graders(f"c{n}") == is_fitted(f"c{n}") for n in range(200))
    few = tmp_path / "few.jsonl"
    held_out.main([str(tmp_path / "data.jsonl"), "--everyday", "--near", "3", "--out", str(few)])
    kept = read_cases(few)
    assert sum(bool(case.near) for case in kept) == 3
    assert all(case.unsafe or case.near for case in kept), "of plain safe ones, these rows name no source of requests"
    with pytest.raises(BadFile):
        held_out.main([str(_write(tmp_path / "bad.jsonl", {"id": "x"})), "--out", str(out)])
