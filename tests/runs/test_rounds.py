"""What a reasoner may order on the way: to look further, to make an image first, to make one once more."""

from __future__ import annotations

from typing import Any

from safelight.agent.brief import Brief
from safelight.agent.plan import Plan
from safelight.agent.reasoner import Fact, Review, Understanding
from safelight.events import ImageRetried, RunFinished, SearchMade
from safelight.graphs.services import Budget
from safelight.safety.content import Stage
from safelight.services import Price, PriceTable
from safelight.testing import BlockOn, ScriptedGenerator, ScriptedReasoner, ScriptedSearch
from safelight.tools.images.generator import Capabilities
from safelight.tools.images.spec import ImageSpec, StyleSheet
from safelight.tools.source import Document, SearchHit

from .conftest import Build

BRIEF = Brief(prompt="a set on bees", n=3)


class Looking(ScriptedReasoner):
    """Sends back every image whose prompt holds a word, with a prompt of its own."""

    def __init__(self, word: str, instead: str, **script: Any) -> None:
        super().__init__(**script)
        self.looked: list[int] = []
        self._word, self._instead = word, instead

    async def review(self, image: bytes, spec: ImageSpec, style: StyleSheet) -> Review:
        self.looked.append(spec.index)
        wrong = self._word in spec.prompt
        return Review(fits=not wrong, problems=("A bee is missing.",) * wrong, prompt=self._instead * wrong)


class Curious(ScriptedReasoner):
    """Wants to know more, as often as it is let."""

    async def deepen(
        self, understanding: Understanding, facts: tuple[Fact, ...], asked: tuple[str, ...], most: int
    ) -> tuple[str, ...]:
        self.asked.append(("deepen", most))
        return tuple(f"more {len(asked) + place}" for place in range(most))


def series(*prompts: str, **subjects: str) -> Plan:
    images = tuple(ImageSpec(index=index, of=len(prompts), prompt=prompt) for index, prompt in enumerate(prompts))
    return Plan(intent="bees", style=StyleSheet(subjects=subjects), images=images)


class TestRevision:
    async def test_an_image_that_is_not_what_was_planned_is_made_once_more(self, build: Build) -> None:
        reasoner = Looking("wrong", "a better hive", plan=series("a hive", "a wrong hive"))
        world = await build(reasoner=reasoner)
        result, events = await world.run(BRIEF)
        assert result.status == "delivered"
        assert sorted(reasoner.looked) == [0, 1]
        assert [request.spec.prompt for request in world.generator.requests][-1] == "a better hive"
        assert len(world.generator.requests) == 3
        assert [event.image for event in events if isinstance(event, ImageRetried)] == [1]

    async def test_only_so_many_are(self, build: Build) -> None:
        reasoner = Looking("hive", "hive again", plan=series("hive 1", "hive 2", "hive 3"))
        world = await build(reasoner=reasoner, budget=Budget(revisions=2))
        await world.run(BRIEF)
        assert len(world.generator.requests) == 5

    async def test_a_revision_that_does_not_clear_leaves_the_cleared_image(self, build: Build) -> None:
        reasoner = Looking("wrong", "a dragon", plan=series("a wrong hive"))
        dragons = BlockOn("dragon", "shocking")
        world = await build({Stage.GENERATOR_INPUT: dragons}, reasoner=reasoner)
        result, _ = await world.run(BRIEF)
        assert result.status == "delivered"
        assert len(world.generator.requests) == 1, "what is blocked at its input is never made"
        assert any("not kept" in note for note in result.images[0].notes)

    async def test_no_look_where_there_is_no_budget_for_a_revision(self, build: Build) -> None:
        reasoner = Looking("hive", "x", plan=series("a hive"))
        world = await build(reasoner=reasoner, budget=Budget(revisions=0))
        await world.run(BRIEF)
        assert reasoner.looked == []


class TestAnchor:
    PLAN = series("mila in the hive", "a meadow", "mila asleep", mila="a small bee with one bent feeler")

    async def test_the_first_image_of_a_subject_serves_the_others(self, build: Build) -> None:
        world = await build(reasoner=ScriptedReasoner(plan=self.PLAN), generator=ScriptedGenerator(algorithmic=False))
        result, _ = await world.run(BRIEF)
        first, *others = world.generator.requests
        assert (first.spec.index, first.spec.references) == (0, ())
        referred = {request.spec.index: request.spec.references for request in others}
        assert referred[1] == ()
        assert referred[2] == (result.images[0].ref,)
        assert result.status == "delivered"

    async def test_a_blocked_first_image_serves_nobody(self, build: Build) -> None:
        world = await build(
            {Stage.GENERATOR_INPUT: BlockOn("in the hive", "shocking")},
            reasoner=ScriptedReasoner(plan=self.PLAN),
            generator=ScriptedGenerator(algorithmic=False),
        )
        result, _ = await world.run(BRIEF)
        assert result.status == "partial"
        assert [request.spec.references for request in world.generator.requests] == [(), ()]

    async def test_an_illustrator_by_layout_needs_none(self, build: Build) -> None:
        world = await build(reasoner=ScriptedReasoner(plan=self.PLAN))
        await world.run(BRIEF)
        assert all(not request.spec.references for request in world.generator.requests)


class TestDepth:
    @staticmethod
    def world(**more: Any) -> dict[str, Any]:
        def hit(number: int) -> SearchHit:
            return SearchHit(title="t", url=f"https://p{number}.example/", snippet="s", provider="scripted")

        pages = {hit(n).url: Document(title="t", url=hit(n).url, text=f"Bees make honey, page {n}.") for n in range(9)}
        table = {"bees": (hit(0),), **{f"more {n}": (hit(n),) for n in range(1, 9)}}
        understanding = Understanding(summary="bees", count=1, queries=("bees",))
        return {
            "reasoner": Curious(understanding=understanding),
            "search": ScriptedSearch(table),
            "pages": pages,
            **more,
        }

    async def test_what_was_read_may_lead_further_within_the_budget(self, build: Build) -> None:
        parts = self.world(budget=Budget(queries=3, rounds=2))
        world = await build(**parts)
        result, events = await world.run(Brief(prompt="bees", n=1))
        assert parts["search"].queries == ["bees", "more 1", "more 2"]
        assert [event.query for event in events if isinstance(event, SearchMade)] == ["bees", "more 1", "more 2"]
        learned = [documents for what, documents in world.reasoner.asked if what == "learn"]
        assert [len(documents) for documents in learned] == [1, 2], "nothing is read twice"
        assert result.researched

    async def test_one_round_is_one_round(self, build: Build) -> None:
        parts = self.world(budget=Budget(queries=9, rounds=1))
        await (await build(**parts)).run(Brief(prompt="bees", n=1))
        assert parts["search"].queries == ["bees"]

    async def test_time_and_tokens_end_it(self, build: Build) -> None:
        for budget in (
            Budget(queries=9, research_seconds=0.0),
            Budget(queries=9, tokens=0),
            Budget(queries=9, pages=1),
        ):
            parts = self.world(budget=budget)
            await (await build(**parts)).run(Brief(prompt="bees", n=1))
            assert parts["search"].queries == ["bees"]

    async def test_a_follow_up_is_guarded_like_the_first_query(self, build: Build) -> None:
        parts = self.world(budget=Budget(queries=3, rounds=2))
        world = await build({Stage.TOOL_CALL: BlockOn("more 1", "privacy")}, **parts)
        await world.run(Brief(prompt="bees", n=1))
        assert parts["search"].queries == ["bees", "more 2"]


class TestDryRun:
    async def test_a_dry_run_plans_estimates_and_makes_nothing(self, build: Build) -> None:
        world = await build(reasoner=ScriptedReasoner(plan=series("a hive", "a meadow")))
        object.__setattr__(world.services, "prices", PriceTable({"scripted": Price(image=0.25)}))
        result, events = await world.run(Brief(prompt="bees", dry_run=True))
        assert (result.status, len(result.plan["images"])) == ("planned", 2)
        assert result.estimate == {"spent": 0.0, "images": 0.5, "reviews": 0.0, "total": 0.5, "unpriced": []}
        assert world.generator.requests == []
        assert isinstance(events[-1], RunFinished)

    async def test_a_blocked_plan_is_refused_all_the_same(self, build: Build) -> None:
        world = await build(
            {Stage.PLAN: BlockOn("hive", "sexual_minors")}, reasoner=ScriptedReasoner(plan=series("hive"))
        )
        result, _ = await world.run(Brief(prompt="bees", dry_run=True))
        assert (result.status, result.plan) == ("refused", {})

    async def test_a_plan_that_would_cost_too_much_is_not_begun(self, build: Build) -> None:
        world = await build(reasoner=ScriptedReasoner(plan=series("a hive", "a meadow")), budget=Budget(dollars=0.4))
        object.__setattr__(world.services, "prices", PriceTable({"scripted": Price(image=0.25)}))
        result, _ = await world.run(BRIEF)
        assert result.refusal is not None
        assert (result.refusal.stage, world.generator.requests) == ("budget", [])
        assert "$0.5" in result.refusal.reason

    async def test_an_account_has_what_its_runs_of_a_day_have_left(self, build: Build) -> None:
        generator = ScriptedGenerator(capabilities=Capabilities(remote=True))
        world = await build(generator=generator, budget=Budget(account_dollars=0.3))
        object.__setattr__(world.services, "prices", PriceTable({"scripted": Price(image=0.25)}))
        first, _ = await world.run(Brief(prompt="bees", n=1, account="ann"))
        assert (first.status, first.cost["generator"]) == ("delivered", 0.25)
        second, _ = await world.run(Brief(prompt="bees", n=1, account="ann"))
        assert second.refusal is not None
        assert second.refusal.stage == "budget"
        other, _ = await world.run(Brief(prompt="bees", n=1, account="bob"))
        assert other.status == "delivered"
