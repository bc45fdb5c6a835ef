"""What can be read off a step without running it: where it says that it routes, and which graphs it reaches."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

from langchain_core.runnables import Runnable, RunnableLambda, RunnableParallel, RunnableSequence
from langchain_core.runnables.base import RunnableBindingBase
from langgraph._internal._runnable import RunnableCallable, RunnableSeq
from langgraph.pregel._utils import get_function_nonlocals
from langgraph.pregel.protocol import PregelProtocol
from langgraph.types import Command

__all__ = ["declared_ends", "positional_parameters", "returns_bare_command", "subgraphs_of"]


def declared_ends(step: Any) -> tuple[str, ...]:
    """The targets of a `-> Command[Literal[…]]` annotation, alone or in a union; empty where there is none."""
    ends: list[str] = []
    for part in _returned(step):
        if get_origin(part) is Command and get_origin(get_args(part)[0]) is Literal:
            ends += get_args(get_args(part)[0])
    return tuple(dict.fromkeys(ends))


def returns_bare_command(step: Any) -> bool:
    """Whether the annotation says `Command` without saying where to."""
    parts = _returned(step)
    return any(
        part is Command
        or (get_origin(part) is Command and get_origin(get_args(part)[0]) is not Literal)
        or (isinstance(part, str) and "Command" in part)  # an annotation that cannot be resolved
        for part in parts
    )


def positional_parameters(function: Callable[..., Any]) -> int:
    """How many arguments can be passed by position; a large number where any number can."""
    count = 0
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            return 99
        count += parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    return count


def subgraphs_of(step: Any) -> Iterator[tuple[Any, bool]]:
    """Every graph that a step is or reaches (through sequences, closures, globals), and whether it *is* that graph.

    Found the way LangGraph finds them for drawing, but all of them, those without a checkpointer included. A graph
    inside a container or made on the fly is not found.
    """
    if isinstance(step, PregelProtocol):
        yield step, True
        return
    queue: list[Any] = [step]
    seen: set[int] = set()
    for item in queue:
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, PregelProtocol):
            yield item, False
        elif isinstance(item, (RunnableSequence, RunnableSeq)):
            queue += item.steps
        elif isinstance(item, RunnableParallel):
            queue += item.steps__.values()
        elif isinstance(item, RunnableBindingBase):
            queue.append(item.bound)
        elif isinstance(item, RunnableLambda):
            queue += [*item.deps, *_reached(getattr(item, "func", None) or item.afunc)]
        elif isinstance(item, RunnableCallable):
            queue += _reached(item.func or item.afunc)


def _reached(function: Any) -> list[Any]:
    if not inspect.isfunction(function) and not inspect.ismethod(function):
        function = getattr(function, "func", None) or type(function).__call__
    return [getattr(value, "__self__", value) for value in get_function_nonlocals(function)]


def _returned(step: Any) -> tuple[Any, ...]:
    """The members of a step's return annotation."""
    function = step
    if isinstance(step, Runnable):
        function = getattr(step, "func", None) or getattr(step, "afunc", None)
    if not callable(function):
        return ()
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        function = getattr(function, "func", None) or function.__call__
    try:
        annotation = get_type_hints(function).get("return")
    except Exception:  # an annotation may name what is not importable here
        annotation = getattr(function, "__annotations__", {}).get("return")
    if annotation is None:
        return ()
    origin = get_origin(annotation)
    return (annotation,) if origin is Command or not get_args(annotation) else (annotation, *get_args(annotation))
