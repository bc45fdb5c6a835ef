"""A server over scripted moderators and a scripted generator: everything else is real. Runs as a program, too.

What a prompt says decides what happens: `forbidden` is blocked, `gapped` loses its second image, `doubtful` waits for
a reviewer, `questionable` does with its whole set, `slow` takes its time to draw, `broken` breaks the generator,
`researched` is looked up.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from safelight.agent.brief import Brief
from safelight.agent.plan import Plan
from safelight.agent.reasoner import Research, Think, Understanding
from safelight.assembly import Assembly, checkpoints, open_store
from safelight.config import Settings, load_settings
from safelight.errors import GeneratorError
from safelight.graphs.runner import Runner
from safelight.graphs.services import RunRecorder, Services, Toolbox
from safelight.provenance.stamper import open_stamper
from safelight.safety.clearance import ClearanceOffice
from safelight.safety.content import Content, Stage, TextPart
from safelight.safety.guard import Guard
from safelight.safety.policy import PolicySet
from safelight.safety.stack import SafetyStack
from safelight.safety.verdict import Decision, Finding, Verdict
from safelight.services import ServicePool
from safelight.store import open_checkpointer
from safelight.testing import ScriptedGenerator, ScriptedReasoner, ScriptedSearch, every_pair
from safelight.tools.images.generator import GeneratedImage, ImageRequest
from safelight.tools.images.spec import Size
from safelight.tools.source import Document, SearchHit

SLOW_SECONDS = 0.4
HIT = SearchHit(url="https://example.org/lantern", title="Lanterns", snippet="On lanterns.", provider="scripted")


class Words:
    """Decides by words in the text, wherever it stands; images pass."""

    name = "words"

    def __init__(self, policies: PolicySet) -> None:
        self._checked = every_pair(policies)
        self.seen: list[Content] = []

    async def moderate(self, content: Content) -> Verdict:
        self.seen.append(content)
        text = " ".join(part.text for part in content.texts)
        decision = Decision.ALLOW
        if "forbidden" in text or (
            "gapped" in text and "(2 of" in text and content.stage in (Stage.GENERATOR_INPUT, Stage.GENERATOR_OUTPUT)
        ):
            decision = Decision.BLOCK
        elif ("doubtful" in text and content.stage is Stage.PROMPT) or (
            "questionable" in " ".join(part.text for part in content.context if isinstance(part, TextPart))
            and content.stage is Stage.IMAGE_SET
        ):
            decision = Decision.REVIEW
        found = ()
        if decision is not Decision.ALLOW:
            found = (
                Finding(
                    policy="violence_graphic", category="words", score=0.97, decision=decision, moderator=self.name,
                    evidence="forbidden" if "forbidden" in text else "",
                ),
            )  # fmt: skip
        return Verdict(decision=decision, findings=found, moderator=self.name, checked=self._checked)


class Planning(ScriptedReasoner):
    """Plans images of the size that was asked for, and looks up what is to be `researched`."""

    async def understand(self, brief: Brief, think: Think) -> Understanding:
        understanding = await super().understand(brief, think)
        queries = ("how lanterns work",) if "researched" in brief.prompt else ()
        return understanding.model_copy(update={"queries": queries})

    async def plan(self, brief: Brief, understanding: Understanding, research: Research, think: Think) -> Plan:
        plan = await super().plan(brief, understanding, research, think)
        if brief.size == "auto":
            return plan
        width, height = (int(side) for side in brief.size.split("x"))
        sized = [spec.model_copy(update={"size": Size(width=width, height=height)}) for spec in plan.images]
        return plan.model_copy(update={"images": tuple(sized)})


class Drawing(ScriptedGenerator):
    """Draws flat images; notes every call in a file, so that calls are counted across processes."""

    def __init__(self, notes: Path) -> None:
        super().__init__(name="drawing")
        self._notes = notes

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        prompt = request.spec.prompt
        if "broken" in prompt:
            raise GeneratorError("The generator is broken on purpose.")
        with self._notes.open("a") as notes:
            notes.write(f"{prompt}\n")
        if "slow" in prompt:
            await asyncio.sleep(SLOW_SECONDS)
        if "endless" in prompt:
            await asyncio.sleep(3600)
        return await super().generate(request)


@asynccontextmanager
async def scripted(settings: Settings) -> AsyncIterator[Assembly]:
    """The assembly, in place of `safelight.assembly.open_assembly`."""
    async with open_store(settings) as (store, ring), open_checkpointer(checkpoints(settings)) as saver:
        policies, pool = PolicySet.load(), ServicePool(settings)
        stack = SafetyStack(policies, dict.fromkeys(Stage, Words(policies)), 5.0, human_review=settings.human_review)
        keys = ring.get("clearance")
        office = ClearanceOffice(keys.secrets, keys.current, policies.version)
        recorder = RunRecorder(store.recorder)
        guard = Guard(stack, office, recorder)
        stamper = await open_stamper(settings, store)
        search = ScriptedSearch(default=(HIT,))

        async def read(hit: SearchHit) -> Document:
            return Document(title=hit.title, url=hit.url, text="A lantern holds a light.")

        async def open_file(data: bytes, name: str) -> Document:
            return Document(title=name, url=f"attachment:{name}", text=data.decode())

        reasoner = Planning(thoughts=("I think of a picture.", "I have one."))
        services = Services(
            policies=policies, guard=guard, office=office, recorder=recorder, store=store, reasoner=reasoner,
            drafter=reasoner, tools=Toolbox(search.search, read, open_file, Drawing(settings.home / "calls.txt")),
            stamper=stamper, human_review=settings.human_review, generating=asyncio.Semaphore(settings.concurrency),
        )  # fmt: skip
        runner = Runner(services, saver, new_id=lambda: f"run_{uuid4().hex}")
        yield Assembly(settings, policies, stack, guard, store, stamper, services, pool, runner)


async def main() -> None:
    from safelight.server.app import create_app
    from safelight.server.serving import Listener, configure_logs, listen

    settings = load_settings()
    configure_logs()
    sockets = listen(settings)
    print(sockets[0].getsockname()[1], flush=True)
    await Listener(create_app(settings, assemble=scripted), settings).serve(sockets)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
