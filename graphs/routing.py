"""Holds every step to the routes that it declared: what was not declared was not proved, and raises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph._internal._config import recast_checkpoint_ns
from langgraph._internal._runnable import RunnableCallable
from langgraph.errors import ParentCommand
from langgraph.graph._branch import BranchSpec
from langgraph.types import Command, Send

from ..errors import UndeclaredRoute
from .verify import END

__all__ = ["Routes", "enforce_branch", "enforce_step"]


@dataclass(frozen=True)
class Routes:
    """Where one node may send the run.

    `allowed` are the nodes that its edges, branches and annotations name, None where its routing is undeclared and was
    proved as leading anywhere. `parent` are nodes of the parent graph. `must` says that the node has no static way on,
    so that not choosing would end the run although END is not among `allowed`. `entries` maps a name that routes use to
    the node that stands for it.
    """

    node: str
    allowed: frozenset[str] | None = frozenset()
    parent: frozenset[str] = frozenset()
    must: bool = False
    entries: Mapping[str, str] = field(default_factory=dict)

    def vet(self, result: Any) -> Any:
        """The result of the node, with its routing checked and made plain.

        Raises:
            UndeclaredRoute: it routes to a node that was not declared, or ends the run by routing nowhere.
        """
        if type(result) is dict and not self.must:
            return result
        items = result if isinstance(result, (list, tuple)) else (result,)
        vetted = [self._vet_item(item) for item in items]
        if self.must and not any(_goes(item) for item in vetted):
            raise UndeclaredRoute(
                f"'{self.node}' chose none of its routes ({_listed(self.allowed)}), which ends the run, and END is not "
                "among them. Route on, or declare END."
            )
        if not isinstance(result, (list, tuple)):
            return vetted[0]
        # LangGraph obeys commands in any kind of sequence; without one, a sequence may be a state of its own kind.
        return vetted if any(isinstance(item, (Command, Send)) for item in vetted) else result

    def vet_jump(self, jump: ParentCommand, config: RunnableConfig) -> ParentCommand:
        """A command that was raised past the graph it comes from: checked where this graph is meant."""
        command = jump.args[0]
        namespace = str(config.get("configurable", {}).get("checkpoint_ns", ""))
        if command.graph == Command.PARENT:
            self._vet_parent(command)
        elif command.graph in (namespace, recast_checkpoint_ns(namespace), self.node):
            return ParentCommand(replace(command, goto=self._vet_goto(command.goto)))
        return jump

    def vet_target(self, target: Any) -> Any:
        """A branch's choice: a `Send`, or a name."""
        if isinstance(target, Send):
            return Send(self._vet_name(target.node), target.arg, timeout=target.timeout)
        return self._vet_name(target)

    def _vet_item(self, item: Any) -> Any:
        if isinstance(item, Send):
            return self.vet_target(item)
        if not isinstance(item, Command):
            return item
        if item.graph == Command.PARENT:
            self._vet_parent(item)
            return item
        return replace(item, goto=self._vet_goto(item.goto))

    def _vet_goto(self, goto: Any) -> tuple[Any, ...]:
        targets = [goto] if isinstance(goto, (str, Send)) else list(goto)
        return tuple(self.vet_target(target) for target in targets)

    def _vet_name(self, name: Any) -> str:
        plain = str.__str__(name) if isinstance(name, str) else repr(name)
        if self.allowed is not None and plain not in self.allowed:
            raise UndeclaredRoute(
                f"'{self.node}' routed to '{plain}', which it had not declared; declared are: {_listed(self.allowed)}. "
                "Name it in the path_map, in destinations, or in Command[Literal[…]]."
            )
        return self.entries.get(plain, plain)

    def _vet_parent(self, command: Command[Any]) -> None:
        goto = command.goto
        for target in [goto] if isinstance(goto, (str, Send)) else list(goto):
            name = target.node if isinstance(target, Send) else target
            if name not in self.parent:
                raise UndeclaredRoute(
                    f"'{self.node}' jumped to '{name}' of the parent graph, which it had not declared; declared are: "
                    f'{_listed(self.parent)}. Pass parent_destinations=("{name}",) to add_node.'
                )


def enforce_step(step: Runnable[Any, Any], routes: Routes) -> RunnableCallable:
    """The step, held to its routes. Failures and interrupts pass through as they are."""

    def run(state: Any, config: RunnableConfig) -> Any:
        try:
            result = step.invoke(state, config)
        except ParentCommand as jump:
            raise routes.vet_jump(jump, config) from None
        return routes.vet(result)

    async def arun(state: Any, config: RunnableConfig) -> Any:
        try:
            result = await step.ainvoke(state, config)
        except ParentCommand as jump:
            raise routes.vet_jump(jump, config) from None
        return routes.vet(result)

    return RunnableCallable(run, arun, name=routes.node, trace=False, recurse=False)


def enforce_branch(branch: BranchSpec, routes: Routes, *, name: str) -> BranchSpec:
    """The branch, held to its path map: `Send`s, which LangGraph does not look at, included."""
    path, ends = branch.path, branch.ends

    def vet(chosen: Any) -> list[Any]:
        targets = list(chosen) if isinstance(chosen, (list, tuple)) else [chosen]
        vetted = [_vet_choice(target, ends, routes) for target in targets]
        if routes.must and not vetted:
            raise UndeclaredRoute(
                f"'{routes.node}' chose none of its routes ({_listed(routes.allowed)}), which ends the run, and END is "
                "not among them. Route on, or declare END."
            )
        return vetted

    def run(state: Any, config: RunnableConfig) -> Any:
        return vet(path.invoke(state, config))

    async def arun(state: Any, config: RunnableConfig) -> Any:
        return vet(await path.ainvoke(state, config))

    mapped = None if ends is None else {key: routes.entries.get(end, end) for key, end in ends.items()}
    return branch._replace(path=RunnableCallable(run, arun, name=name, trace=False, recurse=False), ends=mapped)


def _vet_choice(target: Any, ends: Mapping[Any, str] | None, routes: Routes) -> Any:
    if isinstance(target, Send) or ends is None:
        return routes.vet_target(target)
    if target not in ends:
        raise UndeclaredRoute(
            f"A branch of '{routes.node}' chose {target!r}, which its path map does not have; it has: "
            f"{', '.join(map(repr, ends))}."
        )
    return target


def _goes(item: Any) -> bool:
    if isinstance(item, Send):
        return True
    return isinstance(item, Command) and (item.graph == Command.PARENT or bool(item.goto))


def _listed(names: Sequence[str] | frozenset[str] | None) -> str:
    return ", ".join("END" if name == END else name for name in sorted(names or ())) or "none"
