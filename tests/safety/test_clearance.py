"""Invariant 1: a clearance is valid for exactly what was checked, where and when it was, and for nothing else."""

from __future__ import annotations

import copy
import math
import pickle
import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from safelight.errors import ConfigError, Uncleared
from safelight.safety import (
    Clearance,
    ClearanceOffice,
    Content,
    Decision,
    Finding,
    ImagePart,
    Stage,
    TextPart,
    Verdict,
)
from safelight.testing import FakeClock, FakeEntropy, fake_office

ALLOW = Verdict(decision=Decision.ALLOW, policy_version="test")
CONTENT = Content(Stage.GENERATOR_INPUT, (TextPart("a lighthouse"), ImagePart(b"\x89PNG"), TextPart("at dusk")))
FIELDS = ("key_id", "stage", "run_id", "policy_version", "stacks", "expires_at", "digest", "nonce", "mac")

words = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="."), min_size=1, max_size=60)
parts = st.one_of(st.text(max_size=60).map(TextPart), st.binary(max_size=60).map(ImagePart))
contents = st.builds(
    Content,
    st.sampled_from(Stage),
    st.lists(parts, max_size=4).map(tuple),
    stacks=st.frozensets(st.sampled_from(["minors", "bio"])),
)


def cleared(content: Content = CONTENT, run_id: str = "run-1", **office: Any) -> tuple[ClearanceOffice, Clearance]:
    made = fake_office(**office)
    return made, made.issue(content, ALLOW, run_id=run_id)


@given(contents, words)
def test_it_is_valid_for_what_was_checked(content: Content, run_id: str) -> None:
    office, clearance = cleared(content, run_id)
    office.verify(clearance, copy.deepcopy(content), run_id=run_id)


@given(contents, words)
def test_it_survives_the_trip_through_its_token(content: Content, run_id: str) -> None:
    office, clearance = cleared(content, run_id)
    again = office.read(clearance.token)
    assert again == clearance
    assert hash(again) == hash(clearance)
    assert again.token == clearance.token
    office.verify(again, content, run_id=run_id)


@given(contents, contents)
def test_it_is_void_for_other_content(checked: Content, moved: Content) -> None:
    assume(checked.digest != moved.digest or checked.stage is not moved.stage)
    office, clearance = cleared(checked)
    with pytest.raises(Uncleared):
        office.verify(clearance, moved, run_id="run-1")


@given(contents, st.data())
def test_one_changed_byte_voids_it(content: Content, data: st.DataObject) -> None:
    assume(content.parts)
    office, clearance = cleared(content)
    index = data.draw(st.integers(0, len(content.parts) - 1))
    part = content.parts[index]
    changed: TextPart | ImagePart
    if isinstance(part, TextPart):
        place = data.draw(st.integers(0, len(part.text)))
        changed = TextPart(part.text[:place] + data.draw(st.sampled_from("x\u200b \0")) + part.text[place:])
    else:
        assume(part.data)
        raw = bytearray(part.data)
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        changed = ImagePart(bytes(raw))
    moved = replace(content, parts=(*content.parts[:index], changed, *content.parts[index + 1 :]))
    with pytest.raises(Uncleared, match="differs from what was checked"):
        office.verify(clearance, moved, run_id="run-1")


@pytest.mark.parametrize(
    "moved",
    [
        Content(CONTENT.stage, CONTENT.parts[::-1]),
        Content(CONTENT.stage, CONTENT.parts[:2]),
        Content(CONTENT.stage, (*CONTENT.parts, TextPart(""))),
        Content(CONTENT.stage, (TextPart("a lighthouseat dusk"), CONTENT.parts[1])),
        Content(CONTENT.stage, (CONTENT.parts[0], TextPart("\x89PNG"), CONTENT.parts[2])),
        Content(CONTENT.stage, ()),
    ],
    ids=["reordered", "shortened", "lengthened", "joined", "another kind", "emptied"],
)
def test_other_part_lists_are_other_content(moved: Content) -> None:
    office, clearance = cleared()
    with pytest.raises(Uncleared, match="differs from what was checked"):
        office.verify(clearance, moved, run_id="run-1")


@given(st.sampled_from(Stage), st.sampled_from(Stage))
def test_it_holds_at_its_stage_only(checked: Stage, used: Stage) -> None:
    assume(checked is not used)
    office, clearance = cleared(CONTENT.at(checked))
    with pytest.raises(Uncleared, match=f"cleared at {checked}"):
        office.verify(clearance, CONTENT.at(used), run_id="run-1")


@given(words, words)
def test_it_is_not_replayed_in_another_run(checked: str, used: str) -> None:
    assume(checked != used)
    office, clearance = cleared(run_id=checked)
    with pytest.raises(Uncleared, match="in run"):
        office.verify(clearance, CONTENT, run_id=used)


@given(words)
def test_it_dies_with_its_policies(version: str) -> None:
    assume(version != "test")
    _, clearance = cleared()
    with pytest.raises(Uncleared, match="under policies test"):
        fake_office(policy_version=version).verify(clearance, CONTENT, run_id="run-1")


def test_it_expires_to_the_second() -> None:
    clock = FakeClock()
    office, clearance = cleared(clock=clock, lifetime=60.0)
    clock.advance(59.999)
    office.verify(clearance, CONTENT, run_id="run-1")
    clock.advance(0.001)
    with pytest.raises(Uncleared, match="expired"):
        office.verify(clearance, CONTENT, run_id="run-1")
    clock.now = math.nan
    with pytest.raises(Uncleared, match="expired"):
        office.verify(clearance, CONTENT, run_id="run-1")


def test_it_is_judged_at_least_as_strictly_as_it_is_used() -> None:
    strict, plain = replace(CONTENT, stacks=frozenset({"minors", "bio"})), CONTENT
    office, clearance = cleared(strict)
    office.verify(clearance, plain, run_id="run-1")
    office, clearance = cleared(plain)
    with pytest.raises(Uncleared, match="not cleared under the strict stacks"):
        office.verify(clearance, strict, run_id="run-1")


@given(st.binary(min_size=32, max_size=64))
def test_another_key_of_the_same_name_does_not_verify(key: bytes) -> None:
    office, clearance = cleared()
    assume(key != office.keys["test"])
    other = replace(office, keys={"test": key})
    with pytest.raises(Uncleared, match="forged or damaged"):
        other.verify(clearance, CONTENT, run_id="run-1")


def test_keys_rotate_without_voiding_what_is_under_way() -> None:
    old, clearance = cleared()
    both = replace(old, keys={**old.keys, "next": b"n" * 32}, current="next")
    both.verify(clearance, CONTENT, run_id="run-1")
    fresh = both.issue(CONTENT, ALLOW, run_id="run-1")
    assert fresh.key_id == "next"
    retired = replace(both, keys={"next": b"n" * 32})
    retired.verify(fresh, CONTENT, run_id="run-1")
    with pytest.raises(Uncleared, match="not in use"):
        retired.verify(clearance, CONTENT, run_id="run-1")
    with pytest.raises(Uncleared, match="not in use"):
        old.verify(fresh, CONTENT, run_id="run-1")


def test_a_clearance_moved_to_another_key_id_is_forged() -> None:
    office, clearance = cleared()
    both = replace(office, keys={**office.keys, "next": office.keys["test"]})
    moved = both.read(clearance.token.replace("c1.test.", "c1.next."))
    with pytest.raises(Uncleared, match="forged or damaged"):
        both.verify(moved, CONTENT, run_id="run-1")


@given(st.data())
def test_every_field_is_under_the_mac(data: st.DataObject) -> None:
    office, clearance = cleared(replace(CONTENT, stacks=frozenset({"bio"})))
    name = data.draw(st.sampled_from([field for field in FIELDS if field != "key_id"]))
    value = getattr(clearance, name)
    changed: Any
    match name:
        case "stage":
            changed = data.draw(st.sampled_from([stage for stage in Stage if stage is not value]))
        case "stacks":
            changed = data.draw(st.frozensets(st.sampled_from(["bio", "minors", "x"])).filter(lambda it: it != value))
        case "expires_at":
            changed = data.draw(st.floats().filter(lambda it: struct.pack(">d", it) != struct.pack(">d", value)))
        case "run_id" | "policy_version":
            changed = data.draw(words.filter(lambda it: it != value))
        case _:
            flipped = bytearray(value)
            flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
            changed = bytes(flipped)
    object.__setattr__(clearance, name, changed)
    stage = clearance.stage
    with pytest.raises(Uncleared):
        office.verify(clearance, replace(CONTENT, stage=stage), run_id=clearance.run_id)
    with pytest.raises(Uncleared, match="forged or damaged"):
        replace(office, policy_version=clearance.policy_version).verify(
            office.read(clearance.token), replace(CONTENT, stage=stage), run_id=clearance.run_id
        )


@given(st.data())
def test_no_edited_token_is_valid(data: st.DataObject) -> None:
    """Whatever is done to a token, it is malformed, or void, or still the same clearance."""
    office, clearance = cleared()
    token = clearance.token
    place = data.draw(st.integers(0, len(token)))
    cut = data.draw(st.integers(0, 3))
    edited = token[:place] + data.draw(st.text(max_size=3)) + token[place + cut :]
    assume(edited != token)
    with pytest.raises(Uncleared):
        office.verify(office.read(edited), CONTENT, run_id="run-1")


@given(st.text(max_size=200))
def test_noise_is_no_token(noise: str) -> None:
    with pytest.raises(Uncleared, match="Not a clearance token"):
        fake_office().read(noise)


@pytest.mark.parametrize("wrong", [None, 7, b"c1.test"])
def test_only_text_is_read(wrong: Any) -> None:
    with pytest.raises(Uncleared, match="Not a clearance token"):
        fake_office().read(wrong)


def test_malformed_tokens_say_what_is_wrong() -> None:
    office, clearance = cleared()
    fields = clearance.token.split(".")
    for index, wrong, said in (
        (0, "c2", "unknown version"),
        (2, "nowhere", "nowhere"),
        (6, "00", "not 8 bytes"),
        (7, "zz" * 32, "hexadecimal"),
        (5, "minors+bio", "canonical"),
        (5, "bio+bio", "canonical"),
        (7, "AB" * 32, "canonical"),
        (8, "", "not 12 bytes"),
        (9, fields[9][2:], "not 32 bytes"),
    ):
        edited = ".".join([*fields[:index], wrong, *fields[index + 1 :]])
        with pytest.raises(Uncleared, match=said):
            office.read(edited)
    with pytest.raises(Uncleared, match="Not a clearance token"):
        office.read(clearance.token + ".")


@pytest.mark.parametrize("run_id", ["", " ", "a.b", "a b", "run\n", "é", "x" * 201, None, 7, "r\u200b"], ids=repr)
def test_run_ids_that_would_break_a_token_get_no_clearance(run_id: Any) -> None:
    with pytest.raises(Uncleared, match="run id"):
        fake_office().issue(CONTENT, ALLOW, run_id=run_id)


@pytest.mark.parametrize("stack", ["a+b", "", "A", "a.b"])
def test_stack_names_that_would_break_a_token_get_no_clearance(stack: str) -> None:
    with pytest.raises(Uncleared, match="stacks"):
        fake_office().issue(replace(CONTENT, stacks=frozenset({stack})), ALLOW, run_id="r")


class _Generous(Verdict):
    @property
    def allowed(self) -> bool:
        return True


class _OtherContent(Content):
    @property
    def digest(self) -> bytes:  # type: ignore[override]
        return CONTENT.digest


BLOCKING = Finding(policy="hate", category="", score=1.0, decision=Decision.BLOCK, moderator="m")


@pytest.mark.parametrize(
    "verdict",
    [
        *(Verdict(decision=each, policy_version="test") for each in Decision if each is not Decision.ALLOW),
        Verdict(decision=Decision.ALLOW, failed=True, policy_version="test"),
        Verdict(decision=Decision.ALLOW, findings=(BLOCKING,), policy_version="test"),
        Verdict(decision=Decision.ALLOW, policy_version=""),
        Verdict(decision=Decision.ALLOW, policy_version="other"),
        _Generous(decision=Decision.BLOCK, policy_version="test"),
        None,
    ],
)
def test_nothing_else_than_an_honest_allow_gets_one(verdict: Any) -> None:
    with pytest.raises(Uncleared, match="No clearance"):
        fake_office().issue(CONTENT, verdict, run_id="run-1")


def test_content_with_a_digest_of_its_own_is_no_content() -> None:
    office, clearance = cleared()
    other = _OtherContent(CONTENT.stage, (TextPart("harm"),))
    assert other.digest == CONTENT.digest
    with pytest.raises(Uncleared, match="is not content"):
        office.verify(clearance, other, run_id="run-1")
    with pytest.raises(Uncleared, match="no subclass"):
        office.issue(other, ALLOW, run_id="run-1")


@pytest.mark.parametrize("wrong", [None, "c1.test", object(), True])
def test_what_is_no_clearance_clears_nothing(wrong: Any) -> None:
    with pytest.raises(Uncleared, match="there is no clearance"):
        fake_office().verify(wrong, CONTENT, run_id="run-1")


def test_it_cannot_be_made_changed_subclassed_or_pickled() -> None:
    _, clearance = cleared()
    with pytest.raises(TypeError, match="cannot be constructed"):
        Clearance(None)
    with pytest.raises(AttributeError, match="immutable"):
        clearance.run_id = "run-2"
    with pytest.raises(AttributeError, match="immutable"):
        del clearance.mac
    with pytest.raises(TypeError, match="cannot be subclassed"):
        type("Forged", (Clearance,), {})
    with pytest.raises(TypeError, match="token"):
        pickle.dumps(clearance)
    assert copy.copy(clearance) is clearance
    assert copy.deepcopy([clearance])[0] is clearance
    assert clearance != "anything"
    assert "mac" not in repr(clearance)


def test_one_made_without_its_constructor_is_void() -> None:
    office, genuine = cleared()
    forged = object.__new__(Clearance)
    for name in Clearance.__slots__:
        object.__setattr__(forged, name, getattr(genuine, name))
    object.__setattr__(forged, "mac", b"\0" * 32)
    with pytest.raises(Uncleared, match="forged"):
        office.verify(forged, CONTENT, run_id="run-1")


def test_two_of_the_same_content_differ() -> None:
    office = fake_office(entropy=FakeEntropy(7))
    one, other = (office.issue(CONTENT, ALLOW, run_id="run-1") for _ in range(2))
    assert one.nonce != other.nonce
    assert one != other


def test_entropy_that_runs_dry_stops_the_office() -> None:
    with pytest.raises(Uncleared, match="entropy"):
        fake_office(entropy=lambda _: b"").issue(CONTENT, ALLOW, run_id="run-1")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"current": "gone"}, "not among"),
        ({"keys": {"test": b"short"}}, "at least 32"),
        ({"keys": {"te.st": b"k" * 32}, "current": "te.st"}, "letters and digits"),
        ({"keys": {"té": b"k" * 32}, "current": "té"}, "letters and digits"),
        ({"policy_version": ""}, "policy version"),
        ({"policy_version": "1.0"}, "policy version"),
        ({"lifetime": 0.0}, "lifetime"),
        ({"lifetime": math.inf}, "lifetime"),
        ({"lifetime": math.nan}, "lifetime"),
    ],
)
def test_an_office_that_cannot_work_is_not_opened(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        replace(fake_office(), **changes)


def test_keys_are_neither_shown_nor_added_later() -> None:
    keys = {"one": b"k" * 32}
    office = ClearanceOffice(keys, "one", "test")
    keys["two"] = b"l" * 32
    assert "kkkk" not in repr(office)
    assert set(office.keys) == {"one"}
    with pytest.raises(TypeError):
        office.keys["two"] = b"l" * 32  # type: ignore[index]
