"""Moderators made of moderators: all at once, one after the other, by vote, within a time limit.

Each of them fails closed. Whatever a moderator does other than returning a well-formed `Verdict` in time (raise, hang,
cancel itself, return None, a refusal in prose, a score of NaN, a subclass that answers as it pleases) becomes a block
with `failed=True`. Only the caller's own cancellation, and Ctrl-C, go through.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from ..errors import ConfigError
from .content import Content
from .moderator import Moderator
from .verdict import Decision, Finding, Verdict, combine, severest

__all__ = ["all_of", "ask", "consensus", "first_block", "within"]

_log = logging.getLogger("safelight.safety")

# A moderator that ignores its cancellation is left behind; the event loop holds tasks only weakly.
_left_behind: set[asyncio.Task[object]] = set()


def all_of(*moderators: Moderator) -> Moderator:
    """Ask all at once and wait for every one: the severest decision holds, and all findings are kept."""
    return _AllOf(_usable(moderators, "all_of"))


def first_block(*moderators: Moderator) -> Moderator:
    """Ask one after the other, the cheap ones first, and stop at the first block.

    What comes after a block is not asked, and so is missing from `Verdict.checked`.
    """
    return _FirstBlock(_usable(moderators, "first_block"))


def consensus(*moderators: Moderator, quorum: int, n: int | None = None) -> Moderator:
    """The mildest decision that at least `quorum` voters can live with (each also accepts anything severer).

    The voters are the given moderators, or one moderator asked `n` times. A voter that fails votes to block; where a
    quorum is reached without it, the verdict stands and its reason names the failure. Findings that were outvoted
    are kept, with the decision of the whole. A pair counts as checked where a quorum checked it.

    Raises:
        ConfigError: the quorum is not a majority of the voters, or `n` comes with several moderators.
    """
    voters = _usable(moderators, "consensus")
    if n is not None:
        if len(voters) != 1 or n < 1:
            raise ConfigError(
                "consensus: `n` asks one moderator n times (n ≥ 1); name several moderators, or give `n`."
            )
        voters *= n
    if not len(voters) / 2 < quorum <= len(voters):
        raise ConfigError(f"consensus: a quorum of {quorum} among {len(voters)} voters is not a majority of them.")
    return _Consensus(voters, quorum)


def within(moderator: Moderator, seconds: float) -> Moderator:
    """The moderator with a time limit: no verdict within `seconds` is a block with `failed=True`."""
    (inner,) = _usable((moderator,), "within")
    return _Within(inner, checked_seconds(seconds))


async def ask(moderator: Moderator, content: Content, *, seconds: float | None = None) -> Verdict:
    """One moderator's verdict, well-formed and no milder than its own findings; or the failure that it turned into."""
    (verdict,) = await _ask_all((moderator,), content, seconds)
    return verdict


def checked_seconds(seconds: float) -> float:
    """The time limit, if it is one. Raises ConfigError."""
    if not (isinstance(seconds, int | float) and math.isfinite(seconds) and seconds > 0):
        raise ConfigError(f"A moderator's time limit must be a positive number of seconds, not {seconds!r}.")
    return float(seconds)


@dataclass(frozen=True)
class _AllOf:
    moderators: tuple[Moderator, ...]

    @property
    def name(self) -> str:
        return f"all_of({_names(self.moderators)})"

    async def moderate(self, content: Content) -> Verdict:
        return combine(await _ask_all(self.moderators, content, None), moderator=self.name)


@dataclass(frozen=True)
class _FirstBlock:
    moderators: tuple[Moderator, ...]

    @property
    def name(self) -> str:
        return f"first_block({_names(self.moderators)})"

    async def moderate(self, content: Content) -> Verdict:
        given: list[Verdict] = []
        for moderator in self.moderators:
            given.append(await ask(moderator, content))
            if given[-1].decision is Decision.BLOCK:
                break
        return combine(given, moderator=self.name)


@dataclass(frozen=True)
class _Consensus:
    voters: tuple[Moderator, ...]
    quorum: int

    @property
    def name(self) -> str:
        return f"consensus({_names(self.voters)}; {self.quorum} of {len(self.voters)})"

    async def moderate(self, content: Content) -> Verdict:
        votes = await _ask_all(self.voters, content, None)
        # Sorted by severity, the quorum-th vote is the mildest decision that a quorum finds severe enough.
        decision = sorted((vote.decision for vote in votes), key=lambda each: each.severity)[self.quorum - 1]
        whole = combine(votes, moderator=self.name)
        failures = [vote.reason for vote in votes if vote.failed]
        agreeing = [vote.reason for vote in votes if vote.decision is decision and vote.reason and not vote.failed]
        pairs = whole.checked
        return whole.model_copy(
            update={
                "decision": decision,
                # Broken votes decide the outcome only where the rest would not have blocked by itself.
                "failed": decision is Decision.BLOCK and self._blocks(votes) < len(votes) - self.quorum + 1,
                "findings": tuple(_at_most(finding, decision) for finding in whole.findings),
                "reason": "; ".join(dict.fromkeys([*agreeing, *failures])),
                "checked": frozenset(
                    pair for pair in pairs if sum(pair in vote.checked for vote in votes) >= self.quorum
                ),
            }
        )

    @staticmethod
    def _blocks(votes: Sequence[Verdict]) -> int:
        return sum(vote.decision is Decision.BLOCK and not vote.failed for vote in votes)


@dataclass(frozen=True)
class _Within:
    inner: Moderator
    seconds: float

    @property
    def name(self) -> str:
        return _name(self.inner)

    async def moderate(self, content: Content) -> Verdict:
        return await ask(self.inner, content, seconds=self.seconds)


async def _ask_all(moderators: Sequence[Moderator], content: Content, seconds: float | None) -> list[Verdict]:
    """Every moderator's verdict, in order, each asked in a task of its own.

    A task of its own is what tells a moderator that cancels itself from a caller who is cancelled, and what lets a
    time limit hold against one that swallows its cancellation.
    """
    tasks = [asyncio.ensure_future(_call(moderator, content)) for moderator in moderators]
    try:
        await asyncio.wait(tasks, timeout=seconds)
    finally:
        for task in tasks:
            if not task.done():
                _leave_behind(task)
    return [_examine(task, _name(moderator), seconds) for task, moderator in zip(tasks, moderators, strict=True)]


async def _call(moderator: Moderator, content: Content) -> object:
    """The moderator's answer, or the exception it raised, as a value."""
    try:
        return await moderator.moderate(content)
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise
    except BaseException as error:  # a library that calls sys.exit is one more way to fail
        return _Raised(error)


@dataclass(frozen=True)
class _Raised:
    error: BaseException


def _leave_behind(task: asyncio.Task[object]) -> None:
    _left_behind.add(task)
    task.add_done_callback(_left_behind.discard)
    task.cancel()


def _examine(task: asyncio.Task[object], name: str, seconds: float | None) -> Verdict:
    """The verdict in a task, if there is one worth the name; otherwise a failure that says what there was.

    Reasons end up in the ledger, which must not hold personal content: of an exception they name the type only.
    """
    if not task.done():
        return Verdict.failure(name, f"{name} gave no verdict within {seconds:g} s")
    if task.cancelled():
        return Verdict.failure(name, f"{name} cancelled itself")
    answer = task.result()
    if isinstance(answer, _Raised):
        _log.warning("moderator %s raised %s", name, type(answer.error).__name__)
        _log.debug("moderator %s raised", name, exc_info=answer.error)
        return Verdict.failure(name, f"{name} raised {type(answer.error).__name__}")
    if type(answer) is not Verdict:  # a subclass could override what `allowed` means
        return Verdict.failure(name, f"{name} answered with {type(answer).__name__} instead of a verdict")
    try:
        verdict = Verdict.model_validate(answer)
    except ValidationError:
        return Verdict.failure(name, f"{name} answered with a malformed verdict")
    return _settled(verdict)


def _settled(verdict: Verdict) -> Verdict:
    """The verdict, no milder than its findings, and a block where it says that it failed."""
    floor = Decision.BLOCK if verdict.failed else Decision.ALLOW
    decision = severest(floor, verdict.decision, *(finding.decision for finding in verdict.findings))
    return verdict if decision is verdict.decision else verdict.model_copy(update={"decision": decision})


def _at_most(finding: Finding, decision: Decision) -> Finding:
    if finding.decision.severity <= decision.severity:
        return finding
    return finding.model_copy(update={"decision": decision})


def _usable(moderators: tuple[Moderator, ...], where: str) -> tuple[Moderator, ...]:
    if not moderators:
        raise ConfigError(f"{where} needs at least one moderator: nothing judged is not the same as nothing found.")
    for moderator in moderators:
        if not callable(getattr(moderator, "moderate", None)):
            raise ConfigError(f"{where}: {moderator!r} is not a moderator (it has no `moderate`).")
    return moderators


def _name(moderator: Moderator) -> str:
    """The moderator's name. A broken name must not break the verdict."""
    try:
        name = moderator.name
    except Exception:  # any failure of a label means the same
        return type(moderator).__name__
    return name if isinstance(name, str) and name else type(moderator).__name__


def _names(moderators: Sequence[Moderator]) -> str:
    return ", ".join(dict.fromkeys(_name(moderator) for moderator in moderators))
