"""What a plan will cost, before anything of it is made."""

from __future__ import annotations

from typing import Any

from ..agent.plan import Plan
from ..agent.reasoner import Reviewer
from .services import RunContext

__all__ = ["estimate"]

_REVIEW = {"input_tokens": 1600, "output_tokens": 300}  # a picture of 1024 pixels, a plan, a short answer


def estimate(made: Plan, context: RunContext) -> dict[str, Any]:
    """US dollars: `images` to make, `reviews` to look at them, `spent` so far, and their `total`.

    `unpriced` names the models that have no price: what they cost is not in the sum. Moderation and what is made once
    more are not in it either.
    """
    services = context.services
    model = services.tools.generator.name.removeprefix("openai:")
    price = services.prices.find(model)
    unpriced = {line["model"] for line in context.bill.public() if line["unpriced"]}
    if price is None:
        unpriced.add(model)
    images = len(made.images) * (price.of_image() if price else 0.0)
    reviews = 0.0
    reasoner = services.reasoner
    if isinstance(reasoner, Reviewer) and services.budget.revisions:
        name = reasoner.name.removeprefix("openai:").split(" ")[0]
        cost = services.prices.cost(name, _REVIEW)
        if cost is None:
            unpriced.add(name)
        reviews = len(made.images) * (cost or 0.0)
    total = context.bill.total + images + reviews
    amounts = {"spent": context.bill.total, "images": images, "reviews": reviews, "total": total}
    return {**{name: round(amount, 6) for name, amount in amounts.items()}, "unpriced": sorted(unpriced)}
