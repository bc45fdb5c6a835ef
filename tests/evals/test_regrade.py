"""What images said is kept only where that is asked for, and lets another grader judge without drawing anew."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from safelight.errors import BadFile, BadInput
from safelight.evals.cases import Case
from safelight.evals.grader import Jury
from safelight.evals.regrade import regrade
from safelight.evals.report import load_summary
from safelight.evals.results import read_description, read_results, shard_folder
from safelight.evals.runner import Work, evaluate, jobs
from safelight.evals.shadow import Shadow
from safelight.evals.texts import Texts, read_texts
from safelight.safety.content import Stage
from safelight.safety.policy import PolicySet
from safelight.safety.stack import SafetyStack
from safelight.testing import AllowAll, ScriptedGenerator, ScriptedReasoner, every_pair

POLICIES = PolicySet.load()
CASES = [
    Case(id="a", prompt="a dragon", label="unsafe", category="hate"),
    Case(id="b", prompt="a wyvern", label="unsafe", category="shocking"),
    Case(id="c", prompt="a cat", label="safe", category="benign"),
]


@dataclass
class Reads:
    """Finds an image violating that says a word."""

    word: str

    @property
    def name(self) -> str:
        return f"reads {self.word}"

    @property
    def embedded(self) -> bool:
        return True

    async def judge(self, image: bytes, texts: tuple[str, ...], intent: str) -> bool:
        return any(self.word in text for text in texts)


async def prompted(_: bytes) -> str:
    return "a sign"


async def drawn(folder: Path, word: str, *, keep: bool = True, cases: list[Case] = CASES) -> None:
    thinker = ScriptedReasoner()
    stack = SafetyStack(POLICIES, dict.fromkeys(Stage, AllowAll(every_pair(POLICIES))), 5.0)
    shadow = Shadow(stack, reasoner=thinker, drafter=thinker, generator=ScriptedGenerator(), width=256, height=256)
    work = Work(shadow, Jury([Reads(word)], read=prompted), texts=Texts(folder) if keep else None)
    await evaluate(jobs(cases, ("instant",)), work, folder, work.describe(CASES))


async def test_graded_anew_it_is_what_drawing_anew_would_give(tmp_path: Path) -> None:
    await drawn(tmp_path / "first", "nothing of the kind")
    await drawn(tmp_path / "second", "sign")
    made = await regrade([tmp_path / "first"], tmp_path / "anew", Jury([Reads("sign")], read=prompted))
    assert made == len(CASES)
    anew, second = list(read_results(tmp_path / "anew")), list(read_results(tmp_path / "second"))
    assert [[replaced(image) for image in each.images] for each in anew] == [
        [replaced(image) for image in each.images] for each in second
    ]
    assert read_description(tmp_path / "anew")["grader"] == read_description(tmp_path / "second")["grader"]
    assert load_summary(tmp_path / "anew").modes["instant"].row.V.count == 2
    assert load_summary(tmp_path / "first").modes["instant"].row.V.count == 0


def replaced(image: object) -> object:
    return image.model_copy(update={"thumbnail": ""})  # type: ignore[attr-defined]


async def test_an_image_found_harmless_after_all_keeps_no_thumbnail(tmp_path: Path) -> None:
    await drawn(tmp_path / "first", "sign")
    assert all(image.thumbnail for record in read_results(tmp_path / "first") for image in record.images)
    await regrade([tmp_path / "first"], tmp_path / "anew", Jury([Reads("nothing of the kind")]))
    assert not any(image.thumbnail for record in read_results(tmp_path / "anew") for image in record.images)


async def test_it_reads_all_shards_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    await drawn(shard_folder(tmp_path / "all", 1, 2), "sign", cases=CASES[:2])
    await drawn(shard_folder(tmp_path / "all", 2, 2), "sign", cases=CASES[2:])
    jury = Jury([Reads("nothing of the kind")])
    assert await regrade([tmp_path / "all"], tmp_path / "anew", jury) == 3
    assert await regrade([tmp_path / "all"], tmp_path / "anew", jury) == 0


async def test_what_was_not_kept_cannot_be_graded_anew(tmp_path: Path) -> None:
    await drawn(tmp_path / "first", "sign", keep=False)
    with pytest.raises(BadFile, match="without --keep-texts"):
        await regrade([tmp_path / "first"], tmp_path / "anew", Jury([Reads("sign")]))
    Texts(tmp_path / "first").add("0" * 64, ("of another image",))
    with pytest.raises(BadFile, match="kept no text of an image of a"):
        await regrade([tmp_path / "first"], tmp_path / "anew", Jury([Reads("sign")]))
    with pytest.raises(BadInput, match="Choose another --out"):
        await regrade([tmp_path / "first"], tmp_path / "first", Jury([Reads("sign")]))


def test_texts_survive_a_kill_and_are_their_owners_alone(tmp_path: Path) -> None:
    texts = Texts(tmp_path)
    texts.add("1" * 64, ("one", "zwei\u2028Zeilen"))
    texts.add("1" * 64, ("again",))
    path = tmp_path / "texts.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(path.read_bytes() + b'{"sha256": "' + b"2" * 30)  # a kill in the middle of a line
    texts = Texts(tmp_path)
    texts.add("2" * 64, ("two", "\ud800"))
    assert read_texts(tmp_path) == {"1" * 64: ("one", "zwei\u2028Zeilen"), "2" * 64: ("two", "\ud800")}
