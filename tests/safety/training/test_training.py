"""Training is honest and deterministic: nothing measured on was seen, and the same data give the same weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.errors import BadFile
from safelight.safety.moderators.encoder import WIDTH
from safelight.safety.moderators.head import Head
from safelight.safety.training import fit, network, thresholds
from safelight.safety.training.metrics import auroc, recall_at
from safelight.safety.training.rows import FOLDS, POLICIES, Row, fold_of, folds, read_rows

names = st.sampled_from([f"c{number}" for number in range(12)])
groups = st.sampled_from(["", *(f"g{number}" for number in range(6))])
rows = st.lists(
    st.builds(
        lambda cluster, group, held_out: Row("x", (), "s", cluster if held_out else "", group, held_out=held_out),
        names, groups, st.booleans(),
    ),
    min_size=1,
    max_size=40,
)  # fmt: skip


@given(rows)
@settings(deadline=None)
def test_no_cluster_and_no_group_is_on_both_sides_of_a_fold(made: list[Row]) -> None:
    held_everywhere = np.zeros(len(made), bool)
    for number, (training, held) in enumerate(folds(made)):
        assert not (training & held).any()
        fitted = [row for row, is_in in zip(made, training, strict=True) if is_in]
        kept = [row for row, is_in in zip(made, held, strict=True) if is_in]
        assert {row.cluster for row in fitted if row.held_out}.isdisjoint(row.cluster for row in kept)
        assert all(fold_of(row.cluster) == number for row in kept)
        pairs = {row.group for row in fitted if not row.held_out and row.group}
        assert pairs.isdisjoint(row.group for row in kept)
        held_everywhere |= held
    assert list(held_everywhere) == [row.held_out for row in made]


def _file(folder: Path, *entries: dict[str, object]) -> Path:
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    return path


def test_prompts_and_pairs_are_read(tmp_path: Path) -> None:
    prompt = {"prompt": "a cat", "label": "safe", "category": "benign", "source": "s", "cluster": "c"}
    pair = {"unsafe": "u{}", "safe": "s{}", "category": "hate", "source": "p", "group": "g"}
    pairs = [{name: value.format(number) for name, value in pair.items()} for number in range(5)]
    read = read_rows([_file(tmp_path, prompt, *pairs)], pairs=3)
    assert [row.prompt for row in read] == ["a cat", "u0", "s0", "u1", "s1", "u2", "s2"]
    assert [row.held_out for row in read] == [True] + [False] * 6
    assert read[1].policies == ("hate",)
    assert read[2].near == "hate"


def test_a_line_that_is_neither_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"data\.jsonl:1"):
        read_rows([_file(tmp_path, {"prompt": "a cat"})])


def _made_up(count: int = 120) -> tuple[list[Row], np.ndarray]:
    """Rows whose features tell their label, in 24 clusters."""
    dice = np.random.default_rng(0)
    unsafe = dice.random(count) < 0.5
    made = [
        Row(f"prompt {number} about {'bombs' if bad else 'birds'}", ("hate",) if bad else (), "s", f"c{number % 24}")
        for number, bad in enumerate(unsafe)
    ]
    features = dice.standard_normal((count, WIDTH)).astype(np.float32)
    features[:, 0] += np.where(unsafe, 4, -4)
    return made, features


def test_weights_are_deterministic_and_the_measured_ones_never_saw_their_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_EPOCHS", 2)
    monkeypatch.setattr(network, "_HIDDEN", 8)
    monkeypatch.setattr(fit, "_NETWORKS", 1)
    made, features = _made_up()
    logits = fit.cross_validated(made, features, lambda _: None, nets=1)
    again = fit.cross_validated(made, features, lambda _: None, nets=1)
    measured = logits.heads[fit.MEASURED_FOLD]
    assert len(logits.heads) == FOLDS
    assert all(np.array_equal(measured[name], again.heads[fit.MEASURED_FOLD][name]) for name in measured)
    unsafe = np.array([row.unsafe for row in made])
    assert auroc(logits.linear[:, 0], unsafe) > 0.95

    # Whatever the fold's rows say, the measured weights stay the same, but for the labels that they are measured on.
    changed = features.copy()
    inside = np.array([fold_of(row.cluster) == fit.MEASURED_FOLD for row in made])
    assert 0 < inside.sum() < len(made) / FOLDS * 3
    changed[inside] = 9.0
    other = fit.cross_validated(made, changed, lambda _: None, nets=1).heads[fit.MEASURED_FOLD]
    for name in ("net0_w1", "net0_w2", "center", "rarity", "fine"):
        assert np.array_equal(measured[name], other[name]), name

    arrays = fit.fitted(made, features, logits, lambda _: None)
    assert Head(arrays).policies == POLICIES
    assert Head(measured).judge(features[:2], ["a", "b"]).shape == (2, 1 + len(POLICIES))


def test_recall_at_a_rate_of_false_positives() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.1], np.float32)
    unsafe = np.array([True, False, True, False, False])
    assert recall_at(scores, unsafe, 0.0) == 0.5
    assert recall_at(scores, unsafe, 0.34) == 1.0
    assert auroc(scores, unsafe) == pytest.approx(5 / 6)


def test_every_row_is_judged_by_the_weights_that_never_saw_its_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_EPOCHS", 4)
    monkeypatch.setattr(network, "_HIDDEN", 8)
    made, features = _made_up()
    logits = fit.cross_validated(made, features, lambda _: None, nets=1)
    judged = thresholds.judgements(made, features, logits, lambda _: None)
    assert [each.row for each in judged] == made
    bad = [max(each.scores.values()) for each in judged if each.row.unsafe]
    good = [max(each.scores.values()) for each in judged if not each.row.unsafe]
    assert np.median(bad) > 0.5 > np.median(good)
    # Without the held-out fold's own head the rows would be judged by one that has seen them.
    swapped = fit.Logits(logits.networks, logits.linear, logits.rows, logits.heads[1:] + logits.heads[:1])
    assert [each.scores for each in thresholds.judgements(made, features, swapped, lambda _: None)] != [
        each.scores for each in judged
    ]


def test_operating_points_count_what_each_mode_does() -> None:
    plain = Row("a cat", (), "partiprompts", "a")
    near = Row("a wound chart", (), "s", "b", near="violence_graphic")
    bad = Row("gore", ("violence_graphic",), "s", "c")
    made = [
        thresholds.Judgement(plain, {"hate": 0.1}),
        thresholds.Judgement(plain, {"hate": 0.55}),
        thresholds.Judgement(near, {"violence_graphic": 0.7}),
        thresholds.Judgement(bad, {"bio_chem": 0.95}),
        thresholds.Judgement(bad, {}),
    ]
    found = thresholds.operating_points(made)
    shares = ("rewritten or refused", "refused outright", "refused in instant mode")
    assert [found["plain benign"][name] for name in shares] == [0.5, 0.0, 0.0]
    assert [found["near misses"][name] for name in shares] == [1.0, 0.0, 1.0]
    assert [found["unsafe"][name] for name in shares] == [0.5, 0.5, 0.5]
    assert found["other safe"] == {"prompts": 0}
    assert set(found["safe by source"]) == {"partiprompts", "s"}


def test_injections_are_told_from_their_near_misses_by_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_EPOCHS", 4)
    monkeypatch.setattr(network, "_HIDDEN", 8)
    made, features = _made_up()
    rows = [replace(row, policies=("injection",)) if row.unsafe else replace(row, near="injection") for row in made]
    features[:, -2] = -5.0  # the defender model is sure that nothing is one
    logits = fit.cross_validated(rows, features, lambda _: None, nets=1)
    found = thresholds.injection(rows, features, logits)
    assert found["injections"] + found["near misses"] == len(rows)
    assert found["recall at 2 %"] > 0.5
    assert found["recall at the shipped threshold"] > found["false at the shipped threshold"]
