"""Asks one model until its answer fits: by what the service can do, mended once, every call on the bill."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel

from ...errors import ReasonerError
from ...services import Service, ServiceFault, current_bill
from ..prompts import prompt
from .ability import Ability, less, unheld
from .schema import faults_of, find_object
from .wire import Question, Reply, Show, send

__all__ = ["Model"]

A = TypeVar("A", bound=BaseModel)


class Model:
    """A language model behind a service. What the service turns out not to know is left out from then on."""

    def __init__(self, service: Service, name: str, *, most_tokens: int = 16_384) -> None:
        self.service = service
        self.name = name
        self.ability = Ability()
        self._most_tokens = most_tokens

    async def ask(
        self, question: Question, answer: type[A], *, show: Show | None = None, check: Callable[[A], None] | None = None
    ) -> A:
        """The answer to `question`. One that does not fit its schema, or that `check` turns down with a ValueError,
        is asked for once more, with what is wrong with it.

        Raises:
            ReasonerError: no usable answer: its `kind` is that of the fault, `refused`, `invalid` or `budget`.
        """
        mended = False
        while True:
            reply = await self._reply(question, show)
            try:
                found = answer.model_validate(_object_in(reply))
                if check is not None:
                    check(found)
                return found
            except _NoObject as error:
                other = unheld(self.ability)
                if other is not None:
                    self.ability = other
                    continue
                wrong = str(error)
            except ValueError as error:  # pydantic's ValidationError is one
                wrong = faults_of(error)
            if mended:
                raise ReasonerError(
                    f"The reasoner's answer ({question.task}) cannot be used, twice over: {wrong[:300]}.",
                    kind="invalid",
                )
            mended = True
            question = replace(question, turns=((reply.text[:20_000], f"{prompt('mend')}\n\n{wrong}"),))

    async def _reply(self, question: Question, show: Show | None) -> Reply:
        """A complete reply, after the question was made as plain as the service needs it."""
        once = _Once(show) if show is not None else None
        while True:
            ability = self.ability
            try:
                reply = await self._send(question, ability, once)
            except ServiceFault as fault:
                lesser = less(ability, fault)
                if lesser is None:
                    raise ReasonerError(
                        str(fault), kind=fault.kind, retryable=fault.retryable, code=fault.code
                    ) from fault
                self.ability = lesser
                if question.needs_sight and not lesser.vision:
                    raise ReasonerError("The reasoner sees no images.", kind="rejected") from fault
                continue
            if reply.fault is not None:
                raise ReasonerError(str(reply.fault), kind=reply.fault.kind, code=reply.fault.code) from reply.fault
            if reply.refusal:
                raise ReasonerError("The reasoner declined to work on this request.", kind="refused")
            if not reply.text.strip():
                raise ReasonerError("The reasoner answered with nothing at all.", kind="empty", retryable=True)
            return reply

    async def _send(self, question: Question, ability: Ability, show: Show | None) -> Reply:
        bill, role = current_bill(), self.service.role
        if bill is not None and not bill.allows():
            raise ReasonerError(
                f"The run has used up its budget of ${bill.limit:g}: the reasoner is not asked again.", kind="budget"
            )

        async def once(client: object) -> Reply:
            try:
                reply = await send(client, self.name, question, ability, most_tokens=self._most_tokens, show=show)  # type: ignore[arg-type]
            except (Exception, asyncio.CancelledError) as error:  # a time limit cancels
                cancelled = isinstance(error, asyncio.CancelledError)
                # Sent, and without an answer: whether it is billed, nobody here can know.
                if bill is not None and (cancelled or self.service.fault_of(error).unknown_end):
                    await bill.book(role, self.name, None)
                raise
            if bill is not None:
                await bill.book(role, self.name, reply.usage)
            return reply

        return await self.service.call(once, repeatable=True)


class _NoObject(ValueError):
    """An answer without any JSON object."""


def _object_in(reply: Reply) -> dict[str, Any]:
    try:
        return find_object(reply.text)
    except ValueError as error:
        raise _NoObject(str(error)) from error


class _Once:
    """Shows every thought once, though an attempt that broke off is made again."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self._shown: set[str] = set()

    async def __call__(self, text: str) -> None:
        text = text.strip()
        if text and text not in self._shown:
            self._shown.add(text)
            await self._show(text)
