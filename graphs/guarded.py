"""`GuardedGraph`: a `StateGraph` whose effects are proved to be guarded before it runs, and held to it while it does.

graph = GuardedGraph(State, context_schema=Context)          # was: StateGraph(State, context_schema=Context)
graph.add_node("plan", plan)
graph.add_effect("generate", effect, read=read_spec, write=write_image)
graph.add_edge(START, "plan")
graph.add_conditional_edges("plan", fan_out, ["generate"])
graph.add_edge("generate", END)
compiled = graph.compile(checkpointer=saver)                 # raises UnguardedPath, with the path
print(compiled.proof)
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from langgraph._internal._retry import default_retry_on
from langgraph.graph.state import CompiledStateGraph, StateGraph
from langgraph.pregel._utils import validate_timeout_supported
from langgraph.runtime import Runtime
from langgraph.types import RetryPolicy
from langgraph.typing import ContextT, InputT, OutputT, StateT

from ..errors import GraphError
from ..safety.chain import EffectChain
from ..safety.guard import Blocked, Cleared, Effect
from .compiled import CompiledGuardedGraph
from .effect_step import DeclaredEffect, EffectError, Vault
from .enforce import enforced_copy
from .speculation import Speculation
from .topology import Pauses, topology_of
from .verify import prove

__all__ = ["Blocked", "Cleared", "CompiledGuardedGraph", "EffectError", "GuardedGraph", "Vault"]

In = TypeVar("In")
Out = TypeVar("Out")


def _context_run_id(state: Any, runtime: Runtime[Any]) -> str:
    context = runtime.context
    run_id = context.get("run_id") if isinstance(context, Mapping) else getattr(context, "run_id", None)
    if not isinstance(run_id, str) or not run_id:
        raise GraphError(
            "An effect needs to know its run: give the context a `run_id`, or pass run_id=… to add_effect."
        )
    return run_id


class GuardedGraph(StateGraph[StateT, ContextT, InputT, OutputT]):
    """A `StateGraph` that declares effects with their guards, and compiles only if no path walks around them.

    Everything of `StateGraph` works. What differs: a step may route only where it declared; a `RetryPolicy` must say
    what it retries; guards and effects are not cached; and `compile` returns a `CompiledGuardedGraph`.

    Plain nodes take part by their metadata: `{"safelight": "effect"}`; `{"safelight": "check" | "review", "for":
    ["name", …]}`, of which each must be passed, or any one of those that share an `"any_of"` label;
    `{"safelight": "deliver"}`, which is an end like END.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.declared_effects: dict[str, DeclaredEffect] = {}
        self.speculations: dict[str, Speculation] = {}
        self.parent_routes: dict[str, tuple[str, ...]] = {}

    def add_node(
        self, node: Any, action: Any = None, *, parent_destinations: Sequence[str] = (), **options: Any
    ) -> Any:
        """As `StateGraph.add_node`. `parent_destinations` are nodes of the parent graph that this one may jump to.

        Raises:
            GraphError: a retry policy that does not say what it retries, or a cached guard or effect.
        """
        before = set(self.nodes)
        super().add_node(node, action, **options)
        name = next(added for added in self.nodes if added not in before and not self.nodes[added].is_error_handler)
        spec = self.nodes[name]
        _refuse_default_retry(name, spec.retry_policy)
        if spec.cache_policy is not None and (spec.metadata or {}).get("safelight"):
            raise GraphError(f"'{name}' takes part in guarding and must not be cached: drop its cache_policy.")
        if parent_destinations:
            self.parent_routes[name] = tuple(parent_destinations)
        return self

    def add_effect(
        self,
        name: str,
        effect: Effect[In, Out] | EffectChain[In, Out],
        *,
        read: Callable[..., Any],
        write: Callable[..., Any],
        run_id: Callable[[Any, Runtime[Any]], Any] = _context_run_id,
        separate: bool = False,
        vault: Vault | None = None,
        **options: Any,
    ) -> Any:
        """Declare an effect: `name.check` → `name` → `name.review` in the proof and the drawing.

        `read(state[, runtime]) -> In` says what the effect gets, `write(state, outcome[, runtime]) -> update` what
        becomes of its outcome: `Cleared[Out]`, `Blocked` or `EffectError`. Under `Send`, the state is the payload. All
        may be async. `options` are those of `add_node`.

        It runs as one step. With `separate=True` it runs as three, so that a run can be paused between them
        (`interrupt_before=["name.review"]`); what lies between is in the vault, never in the state.

        Raises:
            GraphError: no Effect, a chain in separate steps, a cache policy, or a retry policy that does not say what
                it retries.
        """
        if isinstance(effect, EffectChain) and separate:
            raise GraphError(f"'{name}' is a chain of effects, which runs as one step: drop separate=True.")
        if not isinstance(effect, Effect | EffectChain):
            raise GraphError(f"'{name}' is not guarded: wrap it as safelight.safety.guard(fn, …) and pass that.")
        if options.get("cache_policy") is not None:
            raise GraphError(f"'{name}' is an effect and must not be cached: drop its cache_policy.")
        retry = options.get("retry_policy") or ()
        declared = DeclaredEffect(
            name=name,
            effect=effect,
            read=read,
            write=write,
            run_id=run_id,
            retry=(retry,) if isinstance(retry, RetryPolicy) else tuple(retry),
            separate=separate,
            vault=vault or Vault(),
        )
        self.add_node(name, declared.fused, **options)
        self.declared_effects[name] = declared
        return self

    def add_speculative(
        self,
        name: str,
        *,
        check: Callable[..., Any],
        work: Callable[..., Any],
        write: Callable[..., Any],
        guards: Sequence[str],
        **options: Any,
    ) -> Any:
        """Declare work that begins beside its check: `name.check` and `name.work`, which meet in `name.verdict`.

        `check(state[, runtime]) -> Cleared | Blocked` is what `Guard.check` gave, `work(state[, runtime]) -> update` is
        what may begin meanwhile, and `write(state, outcome[, runtime]) -> update` is what becomes of the verdict;
        routes go by what it writes. All may be async. `guards` names the effects and deliveries that this check is one
        for. `options` are those of `add_node`.

        Until the check has said yes the work is held: its update, its exceptions and what it writes to the stream wait,
        and so does each effect that it calls, unless that is `pure`. A no cancels it, and the step ends at once.

        Raises:
            GraphError: nothing is guarded, a cache policy, or a retry policy that does not say what it retries.
        """
        if not guards or isinstance(guards, str):
            raise GraphError(f"'{name}' is a check and must name what it guards: guards=[\"…\"].")
        if options.get("cache_policy") is not None:
            raise GraphError(f"'{name}' takes part in guarding and must not be cached: drop its cache_policy.")
        speculation = Speculation(name, check, work, write, tuple(guards))
        self.add_node(name, speculation.fused, **options)
        self.speculations[name] = speculation
        return self

    def set_node_defaults(self, **defaults: Any) -> Any:
        """As `StateGraph.set_node_defaults`. Raises GraphError for a retry policy that does not say what it retries."""
        _refuse_default_retry("set_node_defaults", defaults.get("retry_policy"))
        return super().set_node_defaults(**defaults)

    def compile(
        self,
        checkpointer: Any = None,
        *,
        allow_unvetted: bool = False,
        recursion_limit: int = 60,
        **options: Any,
    ) -> CompiledGuardedGraph[StateT, ContextT, InputT, OutputT]:
        """Prove the graph, then compile an enforced copy of it. The builder stays as it is, and can be compiled again.

        `allow_unvetted` lets callers of the compiled graph stream what no guard has seen (`updates`, `values`,
        `debug` …). `recursion_limit` is the number of steps after which a run is stopped, unless its config says
        otherwise. `options` are those of `StateGraph.compile`.

        Raises:
            UnguardedPath: some path reaches an effect, or leaves it, without its guard.
            GraphError: a guard names nothing, a default cache policy would reach a guard, or debug output would leak.
        """
        if options.get("debug") and not allow_unvetted:
            raise GraphError("debug=True prints what no guard has seen: pass allow_unvetted=True as well.")
        pauses = Pauses(_names(options.get("interrupt_before")), _names(options.get("interrupt_after")))
        topology = topology_of(self, pauses=pauses)
        proof = prove(topology)
        if self._node_defaults.cache_policy is not None and (topology.effects or topology.checks):
            raise GraphError("A default cache_policy would cache guards: set it on the nodes that may be cached.")
        self._check_timeouts()
        builder = enforced_copy(self, topology)
        compiled: CompiledStateGraph[StateT, ContextT, InputT, OutputT] = StateGraph.compile(
            builder, checkpointer, **options
        )
        self.compiled = True
        return CompiledGuardedGraph.seal(
            compiled,
            source=self._copy(),
            topology=topology,
            proof=proof,
            allow_unvetted=allow_unvetted,
            recursion_limit=recursion_limit,
        )

    def _copy(self) -> GuardedGraph[StateT, ContextT, InputT, OutputT]:
        """The builder as it is now, untouched by what is added to this one later."""
        twin = copy.copy(self)
        twin.nodes = {name: replace(spec) for name, spec in self.nodes.items()}
        twin.edges, twin.waiting_edges = set(self.edges), set(self.waiting_edges)
        twin.branches = defaultdict(dict, {source: dict(found) for source, found in self.branches.items()})
        twin._node_defaults = replace(self._node_defaults)
        twin.declared_effects, twin.parent_routes = dict(self.declared_effects), dict(self.parent_routes)
        twin.speculations = dict(self.speculations)
        return twin

    def _check_timeouts(self) -> None:
        """LangGraph refuses a timeout on a blocking step; it could not see one any more inside an enforced step."""
        for name, spec in self.nodes.items():
            if (spec.timeout or self._node_defaults.timeout) is not None:
                validate_timeout_supported(spec.runnable, name=name)  # type: ignore[arg-type]


def _refuse_default_retry(name: str, given: RetryPolicy | Sequence[RetryPolicy] | None) -> None:
    """LangGraph's default retries whatever it does not know, a generator's refusal included."""
    for policy in (given,) if isinstance(given, RetryPolicy) else given or ():
        if policy.retry_on is default_retry_on:
            raise GraphError(
                f"'{name}' has a RetryPolicy that does not say what it retries; the default would send refused and "
                "billed calls again. Pass retry_on=…"
            )


def _names(given: Any) -> tuple[str, ...] | str:
    return "*" if given == "*" else tuple(given or ())
