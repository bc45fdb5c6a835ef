"""Asks every model that a role is served by whether it is there, and what it can do."""

from __future__ import annotations

from pydantic import BaseModel

from ..agent.model.asking import Model
from ..agent.model.wire import Question
from ..config import Role, Settings
from ..errors import ConfigError, ReasonerError
from ..models import Choice, chosen
from ..services import Service, ServiceFault, ServicePool
from .findings import Finding, State

__all__ = ["probe_roles"]

_BY_ITSELF = {
    "reasoner": "plans by rules, without a language model",
    "generator": "illustrates by layout, not by an image model",
    "moderator": "judges with the bundled models",
}
_FIXES = {
    "unauthorized": "Check the key of this role.",
    "no_such_model": "Check the model's name and the base URL.",
    "quota": "Add credit, or use another key.",
}


class _Probe(BaseModel):
    ready: bool


async def probe_roles(settings: Settings) -> list[Finding]:
    """One finding a model. A model that does not answer is `missing`, or a `note` where another serves the role.

    It costs nothing but one short question to the reasoner.
    """
    patient = settings.model_copy(update={"service_seconds": 30.0, "service_deadline": 30.0, "service_attempts": 1})
    pool = ServicePool(patient)
    try:
        findings = []
        for role in ("reasoner", "generator", "moderator"):
            try:
                choices = chosen(role, settings)
            except ConfigError as error:
                findings.append(Finding(role, "missing", str(error), f"Mend the `{role}` setting."))
                continue
            for choice in choices:
                # Where the role is served by whoever can, another link of the chain makes good for this one.
                spare = role != "moderator" and choice is not choices[-1]
                findings.append(await _probe(role, choice, pool, spare=spare))
        return findings
    finally:
        await pool.aclose()


async def _probe(role: Role, choice: Choice, pool: ServicePool, *, spare: bool) -> Finding:
    if not choice.model:
        return Finding(role, "ok", f"{choice} ({_BY_ITSELF.get(role, 'runs here')})")
    failed: State = "note" if spare else "missing"
    try:
        service = pool.get("monitor" if choice.provider == "monitor" else role)
        listed = await _listed(service, choice.model)
        able = f"; {await _ability(service, choice.model)}" if role == "reasoner" else ""
    except ConfigError as error:
        return Finding(role, failed, f"{choice}: {error}", "Set the key or the base URL of this role.")
    except (ServiceFault, ReasonerError) as error:
        return Finding(role, failed, f"{choice}: {error}", _FIXES.get(error.kind, "See the message."))
    return Finding(role, "ok" if listed or able else "note", f"{choice} at {service.endpoint.base_url}{able}"
                   f"{'' if listed else ' (the service does not list it)'}")  # fmt: skip


async def _listed(service: Service, model: str) -> bool:
    """Whether the service's list of models names this one. A service need not have such a list. Raises ServiceFault."""
    try:
        answer = await service.ask(lambda client: client.models.with_streaming_response.list(), repeatable=True)
    except ServiceFault as fault:
        if fault.kind in {"no_such_model", "rejected"}:
            return False
        raise
    entries = answer.get("data")
    return isinstance(entries, list) and any(isinstance(item, dict) and item.get("id") == model for item in entries)


async def _ability(service: Service, name: str) -> str:
    """How the model can be asked, by one short question. Raises ReasonerError."""
    model = Model(service, name, most_tokens=2000)
    question = Question(
        task="probe", instructions="Say that you are ready.", parts=("Are you ready?",), answer=_Probe, summarize=True
    )
    await model.ask(question, _Probe)
    api = {"responses": "Responses API", "chat": "chat completions"}[model.ability.api]
    form = {"schema": "strict schemas", "object": "JSON objects", "text": "JSON by request"}[model.ability.form]
    return f"{api}, {form}{'' if model.ability.api == 'chat' else _thoughts(model)}"


def _thoughts(model: Model) -> str:
    return ", no reasoning summaries" if model.ability.without & {"summary", "reasoning"} else ", reasoning summaries"
