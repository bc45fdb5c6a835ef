"""Policies load, override, fail with the file and the field named, and change their version with every word."""

from __future__ import annotations

import copy
import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from safelight.errors import ConfigError
from safelight.safety import Decision, Policy, PolicySet, Stage, Thresholds

IDS = {
    "sexual",
    "sexual_minors",
    "violence_graphic",
    "self_harm",
    "hate",
    "extremism",
    "harassment",
    "illicit_weapons",
    "bio_chem",
    "illegal_acts",
    "deception_deepfake",
    "privacy",
    "ip_style",
    "shocking",
    "injection",
}
SHIPPED = PolicySet.load()


def written(**changes: Any) -> dict[str, Any]:
    return {
        "id": "spoilers",
        "title": "Spoilers",
        "text": "Do not give away how a book or a film ends, in the picture or in its text.",
        "disallowed": ["the last scene"],
        "allowed": ["the first scene"],
        "offer": ["A poster without the ending."],
        "thresholds": {"default": {"block": 0.8}},
        **changes,
    }


def save(folder: Path, name: str = "spoilers.yaml", **changes: Any) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(written(**changes)), encoding="utf-8")
    return path


def test_fifteen_are_shipped() -> None:
    assert {policy.id for policy in SHIPPED} == IDS
    assert {policy.id: policy.stack for policy in SHIPPED if policy.stack != "general"} == {
        "sexual_minors": "minors",
        "bio_chem": "bio",
    }
    assert [policy.id for policy in SHIPPED if not policy.rewritable] == ["sexual_minors"]
    assert len(SHIPPED) == 15
    assert "hate" in SHIPPED
    assert SHIPPED["hate"].title == "Hate"


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.id)
def test_each_is_written_for_a_reasoning_model_and_for_a_user(policy: Policy) -> None:
    assert len(policy.text) > 300
    assert len(policy.disallowed) >= 4
    assert len(policy.allowed) >= 4, "near misses are what keeps a policy from over-blocking"
    assert len(policy.offer) >= 2
    assert all(offer[0].isupper() and offer.endswith(".") for offer in policy.offer), "offers are shown as sentences"
    for stage in Stage:
        assert policy.decide(stage, 0.0) is Decision.ALLOW
        assert policy.decide(stage, 0.1) is Decision.ALLOW, "a faint suspicion must not stop anyone"


def test_the_severest_stages_stop_what_is_certain() -> None:
    for policy in SHIPPED:
        assert policy.decide(Stage.GENERATOR_OUTPUT, 1.0) is Decision.BLOCK
        assert policy.decide(Stage.PROMPT, 1.0) is not Decision.ALLOW


def test_the_users_own_words_are_judged_more_mildly_than_a_page_that_gives_orders() -> None:
    injection = SHIPPED["injection"]
    assert injection.decide(Stage.TOOL_RESULT, 0.7) is Decision.BLOCK
    assert injection.decide(Stage.PROMPT, 0.7) is Decision.ALLOW


def test_minors_are_never_rewritten() -> None:
    policy = SHIPPED["sexual_minors"]
    for stage in Stage:
        decisions = {policy.decide(stage, score / 100, strict=strict) for score in range(101) for strict in (0, 1)}
        assert decisions == {Decision.ALLOW, Decision.BLOCK}


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(Stage), st.booleans())
def test_a_higher_score_is_never_judged_more_mildly(one: float, other: float, stage: Stage, strict: bool) -> None:
    low, high = sorted((one, other))
    for policy in SHIPPED:
        mild, hard = policy.decide(stage, low, strict=strict), policy.decide(stage, high, strict=strict)
        assert mild.severity <= hard.severity
        assert policy.decide(stage, low).severity <= policy.decide(stage, low, strict=True).severity


@pytest.mark.parametrize("score", [math.nan, -0.01, 1.01, math.inf])
def test_what_is_no_score_is_not_decided(score: float) -> None:
    with pytest.raises(ValueError, match="a score lies within 0 and 1"):
        SHIPPED["hate"].decide(Stage.PROMPT, score)


def test_thresholds_include_their_limit() -> None:
    limits = Thresholds(rewrite=0.2, review=0.5, block=0.9)
    assert [limits.decide(score) for score in (0.19, 0.2, 0.5, 0.89, 0.9, 1.0)] == [
        Decision.ALLOW,
        Decision.REWRITE,
        Decision.REVIEW,
        Decision.REVIEW,
        Decision.BLOCK,
        Decision.BLOCK,
    ]
    assert Thresholds().decide(1.0) is Decision.ALLOW


def test_a_stage_without_thresholds_of_its_own_uses_the_default() -> None:
    policy = Policy(**written(thresholds={"default": {"block": 0.5}, "prompt": {"block": 0.9}, Stage.PLAN: {}}))
    assert policy.decide(Stage.TOOL_CALL, 0.6) is Decision.BLOCK
    assert policy.decide(Stage.PROMPT, 0.6) is Decision.ALLOW
    assert policy.decide(Stage.PLAN, 1.0) is Decision.ALLOW


def test_a_hard_block_policy_blocks_where_another_would_rewrite() -> None:
    policy = Policy(**written(rewritable=False, thresholds={"default": {"rewrite": 0.5}}))
    assert policy.decide(Stage.PROMPT, 0.6) is Decision.BLOCK


def test_a_user_adds_and_overrides(tmp_path: Path) -> None:
    save(tmp_path)
    save(tmp_path, "mine.yml", id="hate", title="Hate, by house rules")
    (tmp_path / "README.md").write_text("not a policy")
    policies = PolicySet.load(tmp_path)
    assert len(policies) == 16
    assert policies["hate"].title == "Hate, by house rules"
    assert policies["sexual"] == SHIPPED["sexual"]
    assert policies.version != SHIPPED.version


def test_an_empty_directory_changes_nothing(tmp_path: Path) -> None:
    assert PolicySet.load(tmp_path).version == SHIPPED.version


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gone does not exist"):
        PolicySet.load(tmp_path / "gone")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "Spoilers!"}, "id: "),
        ({"title": None}, "title: "),
        ({"text": "short"}, "text: "),
        ({"allowed": []}, "allowed: "),
        ({"stack": "special"}, "stack: "),
        ({"thresholds": {"prompt": {"block": 0.5}}}, "thresholds.default: "),
        ({"thresholds": {"default": {"block": 1.5}}}, "thresholds.default.block: "),
        ({"thresholds": {"default": {"block": math.nan}}}, "thresholds.default.block: "),
        ({"thresholds": {"default": {"blcok": 0.5}}}, "thresholds.default.blcok: "),
        ({"thresholds": {"default": {}, "somewhere": {}}}, "thresholds.somewhere: "),
        ({"thresholds": {"default": {"rewrite": 0.9, "block": 0.5}}}, "could never happen"),
        ({"thresholds": {"default": {"review": 0.5, "block": 0.5}}}, "could never happen"),
        ({"stack": "minors"}, "hard block"),
        ({"stack": "minors", "rewritable": False, "thresholds": {"default": {"review": 0.1}}}, "at every stage"),
        (
            {"stack": "minors", "rewritable": False, "thresholds": {"default": {"block": 0.1}, "image_set": {}}},
            "at every stage",
        ),
        ({"surprise": 1}, "surprise: "),
    ],
)
def test_a_policy_that_cannot_work_is_named_with_its_field(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    save(tmp_path, **changes)
    with pytest.raises(ConfigError) as caught:
        PolicySet.load(tmp_path)
    assert "spoilers.yaml is not a valid policy" in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("raw", [b"id: [", b"\xff\xfe", b"a: b: c"])
def test_a_file_that_is_not_yaml_is_named(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "broken.yaml").write_bytes(raw)
    with pytest.raises(ConfigError, match=r"broken\.yaml is not valid YAML") as caught:
        PolicySet.load(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("raw", [b"", b"- a list", b"just text", b"3"])
def test_a_file_that_is_not_a_mapping_is_named(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "broken.yaml").write_bytes(raw)
    with pytest.raises(ConfigError, match=r"broken\.yaml is not a valid policy: file: "):
        PolicySet.load(tmp_path)


def test_yaml_cannot_build_objects(tmp_path: Path) -> None:
    (tmp_path / "evil.yaml").write_text("id: !!python/object/apply:os.system ['true']")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        PolicySet.load(tmp_path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"folder\.yaml cannot be read"):
        PolicySet.load(tmp_path)


def test_two_files_of_one_id_are_named(tmp_path: Path) -> None:
    save(tmp_path, "a.yaml")
    save(tmp_path, "b.yaml")
    with pytest.raises(ConfigError, match=r"b\.yaml and .*a\.yaml both define"):
        PolicySet.load(tmp_path)


def test_a_set_needs_policies_each_once() -> None:
    with pytest.raises(ConfigError, match="No policies are in force"):
        PolicySet([])
    with pytest.raises(ConfigError, match="Two policies have the id 'hate'"):
        PolicySet([SHIPPED["hate"], SHIPPED["hate"]])


@given(st.data())
def test_any_change_changes_the_version(data: st.DataObject) -> None:
    chosen = data.draw(st.sampled_from(list(SHIPPED)))
    name = data.draw(st.sampled_from(["title", "text", "disallowed", "allowed", "offer", "thresholds"]))
    value = getattr(chosen, name)
    changed: Any
    if isinstance(value, str):
        place = data.draw(st.integers(0, len(value)))
        changed = value[:place] + data.draw(st.sampled_from([" ", ".", "x", "é"])) + value[place:]
    elif isinstance(value, tuple):
        changed = value[::-1] if data.draw(st.booleans()) else (*value, "one more")
    else:
        stage = data.draw(st.sampled_from(Stage))
        limits = Thresholds(block=data.draw(st.floats(0.01, 1)))
        assume(value.at(stage) != limits)
        changed = value.model_copy(update={stage.value: limits})
    edited = chosen.model_copy(update={name: changed})
    assert PolicySet([edited if each is chosen else each for each in SHIPPED]).version != SHIPPED.version


@given(st.permutations(list(SHIPPED)))
def test_the_order_of_files_does_not_matter(shuffled: list[Policy]) -> None:
    assert PolicySet(shuffled).version == SHIPPED.version


def test_adding_or_removing_one_changes_the_version() -> None:
    assert PolicySet(list(SHIPPED)[1:]).version != SHIPPED.version
    assert PolicySet([*SHIPPED, Policy(**written())]).version != SHIPPED.version


def test_what_is_in_force_cannot_be_edited() -> None:
    policies = PolicySet.load()
    with pytest.raises(AttributeError):
        policies.version = "other"  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        policies["hate"].title = "Love"
    with pytest.raises(ValueError, match="frozen"):
        policies["hate"].thresholds.default = Thresholds()
    with pytest.raises(ValueError, match="frozen"):
        policies["hate"].thresholds.default.block = 1.0


def test_a_set_travels_to_other_processes() -> None:
    for clone in (pickle.loads(pickle.dumps(SHIPPED)), copy.deepcopy(SHIPPED)):  # noqa: S301
        assert clone.version == SHIPPED.version
        assert list(clone) == list(SHIPPED)


def test_what_nobody_rewrites_is_refused_from_its_own_threshold_on() -> None:
    limits = Thresholds(rewrite=0.5, refuse=0.7, block=0.9)
    for score, rewritten, refused in (
        (0.4, Decision.ALLOW, Decision.ALLOW),
        (0.5, Decision.REWRITE, Decision.ALLOW),
        (0.7, Decision.REWRITE, Decision.REWRITE),
        (0.9, Decision.BLOCK, Decision.BLOCK),
    ):
        assert limits.decide(score) is rewritten
        assert limits.decide(score, final=True) is refused
    assert Thresholds(rewrite=0.5).decide(0.5, final=True) is Decision.REWRITE


@pytest.mark.parametrize(
    "limits", [{"refuse": 0.7}, {"rewrite": 0.5, "refuse": 0.4}, {"rewrite": 0.5, "refuse": 0.95, "block": 0.9}]
)
def test_a_refusal_lies_between_rewriting_and_blocking(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="refuse"):
        Thresholds(**limits)


@given(st.floats(0, 1), st.sampled_from(sorted(IDS)), st.sampled_from(list(Stage)))
def test_final_content_is_never_judged_more_severely_nor_let_through_where_it_would_be_blocked(
    score: float, policy: str, stage: Stage
) -> None:
    as_it_is, final = (SHIPPED[policy].decide(stage, score, final=final) for final in (False, True))
    assert final.severity <= as_it_is.severity
    assert as_it_is not in {Decision.BLOCK, Decision.REVIEW} or final is as_it_is
