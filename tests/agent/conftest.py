"""How a brief is planned without models, and nobody who listens to the thoughts."""

from __future__ import annotations

from safelight.agent.brief import Brief
from safelight.agent.embedded import EmbeddedReasoner
from safelight.agent.plan import Plan
from safelight.agent.reasoner import Research


async def silent(text: str) -> None:
    """Hears a thought, which must say something."""
    assert text.strip()


async def planned(prompt: str, **brief: object) -> Plan:
    """The embedded reasoner's plan, without its encoder and without research."""
    mind = EmbeddedReasoner(encode=False)
    asked = Brief(prompt=prompt, **brief)  # type: ignore[arg-type]
    return await mind.plan(asked, await mind.understand(asked, silent), Research(), silent)
