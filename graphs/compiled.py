"""A proved graph, at run time: what callers may not do to it, and may not see of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, GraphOutput, Send
from langgraph.typing import ContextT, InputT, OutputT, StateT

from ..errors import GraphError
from .drawing import draw_svg
from .topology import Pauses, topology_of
from .verify import Proof, Topology, prove

if TYPE_CHECKING:
    from .guarded import GuardedGraph

__all__ = ["CompiledGuardedGraph"]

_VETTED_MODES = frozenset({"custom"})
_VETTED = object()
_NO_INTERRUPTS: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

Options = TypeVar("Options")


class CompiledGuardedGraph(CompiledStateGraph[StateT, ContextT, InputT, OutputT]):
    """A compiled graph that has been proved, made by `GuardedGraph.compile`.

    It runs as any compiled graph does, except that callers cannot jump into it (`Command(goto=…)`, `update_state`),
    that streams carry only what nodes say on purpose (`custom`), and that it does not run once it has been changed.
    With a checkpointer, `durability` is `"sync"` unless the call says otherwise.
    """

    proof: Proof
    topology: Topology
    source: GuardedGraph[StateT, ContextT, InputT, OutputT]
    allow_unvetted: bool

    @classmethod
    def seal(
        cls,
        compiled: CompiledStateGraph[StateT, ContextT, InputT, OutputT],
        *,
        source: GuardedGraph[StateT, ContextT, InputT, OutputT],
        topology: Topology,
        proof: Proof,
        allow_unvetted: bool,
        recursion_limit: int,
    ) -> CompiledGuardedGraph[StateT, ContextT, InputT, OutputT]:
        """Take over a compiled graph whose builder was proved and enforced."""
        sealed = object.__new__(cls)
        vars(sealed).update(vars(compiled))
        sealed.config = {"recursion_limit": recursion_limit}
        sealed.source, sealed.topology, sealed.proof = source, topology, proof
        sealed.allow_unvetted = allow_unvetted
        vars(sealed)["_pauses"] = {_NO_INTERRUPTS}
        vars(sealed)["_seal"] = sealed._shape()
        return sealed

    def copy(self, update: dict[str, Any] | None = None) -> Any:
        """A copy with some attributes replaced, as `with_config` makes; what is proved and sealed comes along."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        vars(twin).update(update or {})
        return twin

    # ── what goes in ────────────────────────────────────────────────────────────────────────────────────────────────

    def _admit(self, given: Any, options: dict[str, Any]) -> dict[str, Any]:
        """Options to run with.

        Raises:
            GraphError: a client-made jump or update, a graph changed since it was proved, or a leaking option.
            UnguardedPath: a pause that would hand out what no review has seen.
        """
        _refuse_control(given)
        if self._shape() != vars(self)["_seal"]:
            raise GraphError("The graph was changed after it was proved. Change the builder, and compile it again.")
        if not self.allow_unvetted and (options.get("print_mode") or options.get("debug") or self.debug):
            raise GraphError("Printing steps shows what no guard has seen: compile with allow_unvetted=True.")
        self._prove_pauses(options.get("interrupt_before"), options.get("interrupt_after"))
        if options.get("durability") is None and isinstance(self.checkpointer, BaseCheckpointSaver):
            # `async` runs a finished node again after a kill, `exit` starts from nothing: here that costs money.
            options["durability"] = "sync"
        return options

    def _prove_pauses(self, before: Any, after: Any) -> None:
        pauses = Pauses(_names(before), _names(after))
        known: set[Any] = vars(self)["_pauses"]
        if (pauses.before, pauses.after) not in known:
            prove(topology_of(self.source, pauses=pauses))
            known.add((pauses.before, pauses.after))

    def _shape(self) -> tuple[Any, ...]:
        """What a run is made of, by identity: cheap, and different after any exchange of its parts."""
        return (
            tuple(
                (name, id(node.bound), id(node.node), tuple(map(id, node.writers)), tuple(node.triggers))
                for name, node in self.nodes.items()
            ),
            tuple(map(id, self.channels.values())),
            tuple(self.node_error_handler_map.items()),
            (str(self.interrupt_before_nodes), str(self.interrupt_after_nodes)),
        )

    # ── what comes out ──────────────────────────────────────────────────────────────────────────────────────────────

    def _vet_modes(self, mode: str | Sequence[str]) -> None:
        modes = {mode} if isinstance(mode, str) else set(mode)
        if not self.allow_unvetted and modes - _VETTED_MODES:
            raise GraphError(
                f"Streaming {', '.join(sorted(modes - _VETTED_MODES))} shows what no guard has seen. Stream 'custom' "
                "and write events from nodes, or compile with allow_unvetted=True."
            )

    def _vet_stream(self, given: Any, mode: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Mode and options to stream with; `invoke`, which streams inside, has vetted its own."""
        if options.pop("vetted_by", None) is _VETTED:
            return mode, options
        options = self._admit(given, options)
        self._vet_modes(mode or "custom")
        return mode or "custom", options

    def stream(self, input: Any, config: Any = None, *, stream_mode: Any = None, **options: Any) -> Iterator[Any]:
        """As LangGraph's; the mode is `custom` unless given. Raises as `invoke`, and GraphError for other modes."""
        stream_mode, options = self._vet_stream(input, stream_mode, options)
        return super().stream(input, config, stream_mode=stream_mode, **options)

    def astream(self, input: Any, config: Any = None, *, stream_mode: Any = None, **options: Any) -> AsyncIterator[Any]:
        """As LangGraph's; the mode is `custom` unless given. Raises as `invoke`, and GraphError for other modes."""
        stream_mode, options = self._vet_stream(input, stream_mode, options)
        return super().astream(input, config, stream_mode=stream_mode, **options)

    def invoke(self, input: Any, config: Any = None, *, stream_mode: Any = "values", **options: Any) -> Any:
        """As LangGraph's. Raises GraphError where the input is more than state and resumption, or the graph changed."""
        options = self._admit(input, options)
        if stream_mode != "values":
            self._vet_modes(stream_mode)
        result = super().invoke(input, config, stream_mode=stream_mode, vetted_by=_VETTED, **options)
        return self._handed_out(result)

    async def ainvoke(self, input: Any, config: Any = None, *, stream_mode: Any = "values", **options: Any) -> Any:
        """As LangGraph's. Raises GraphError where the input is more than state and resumption, or the graph changed."""
        options = self._admit(input, options)
        if stream_mode != "values":
            self._vet_modes(stream_mode)
        result = await super().ainvoke(input, config, stream_mode=stream_mode, vetted_by=_VETTED, **options)
        return self._handed_out(result)

    def _handed_out(self, result: Any) -> Any:
        """What an interrupted run gives its caller: where an effect is a plain node, the interrupts alone, since its
        raw output may lie in the state."""
        if not self.topology.exposed or self.allow_unvetted:
            return result
        if isinstance(result, GraphOutput) and result.interrupts:
            return replace(result, value=None)
        if isinstance(result, dict) and "__interrupt__" in result:
            return {"__interrupt__": result["__interrupt__"]}
        return result

    def stream_events(self, *arguments: Any, **options: Any) -> Any:
        """Refused unless compiled with `allow_unvetted`: events carry what every step returned."""
        self._vet_modes("events")
        return super().stream_events(*arguments, **options)

    def astream_events(self, *arguments: Any, **options: Any) -> Any:
        """Refused unless compiled with `allow_unvetted`: events carry what every step returned."""
        self._vet_modes("events")
        return super().astream_events(*arguments, **options)

    def astream_log(self, *arguments: Any, **options: Any) -> Any:
        """Refused unless compiled with `allow_unvetted`: the log carries what every step returned."""
        self._vet_modes("log")
        return super().astream_log(*arguments, **options)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """For notebooks. LangGraph's own sends the graph to a web service to have it drawn."""
        return {"text/plain": repr(self), "image/svg+xml": draw_svg(self)}

    # ── what may not be done ────────────────────────────────────────────────────────────────────────────────────────

    def update_state(self, *arguments: Any, **options: Any) -> NoReturn:
        """Refused: a state written from outside has passed no guard."""
        _refuse_update()

    async def aupdate_state(self, *arguments: Any, **options: Any) -> NoReturn:
        """Refused: a state written from outside has passed no guard."""
        _refuse_update()

    def bulk_update_state(self, *arguments: Any, **options: Any) -> NoReturn:
        """Refused: a state written from outside has passed no guard."""
        _refuse_update()

    async def abulk_update_state(self, *arguments: Any, **options: Any) -> NoReturn:
        """Refused: a state written from outside has passed no guard."""
        _refuse_update()


def _refuse_control(given: Any) -> None:
    """LangGraph obeys commands and sends in its input, a list of them included; only a resumption may pass."""
    for item in given if isinstance(given, (list, tuple)) else (given,):
        if isinstance(item, Send) or (
            isinstance(item, Command)
            and (item is not given or item.goto or item.update is not None or item.graph is not None)
        ):
            raise GraphError(
                "The input may be state, or Command(resume=…). A goto, an update or a Send from outside would pass "
                "around the guards."
            )


def _refuse_update() -> NoReturn:
    raise GraphError(
        "The state of a guarded graph is not written from outside: it would pass around the guards. "
        "Pause with interrupt(…) and resume with Command(resume=…)."
    )


def _names(given: Any) -> tuple[str, ...] | str:
    return "*" if given == "*" else tuple(given or ())
