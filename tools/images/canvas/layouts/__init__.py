"""How a page of each role is arranged."""

from collections.abc import Callable

from ...spec import Role
from .entries import listing, step
from .frame import Sheet, start
from .pictures import cover, quote, scene

__all__ = ["LAYOUTS", "Sheet", "start"]

LAYOUTS: dict[Role, Callable[[Sheet], None]] = {
    "cover": cover,
    "scene": scene,
    "quote": quote,
    "step": step,
    "facts": listing,
    "list": listing,
    "summary": listing,
    "comparison": listing,
    "timeline": listing,
    "chart": listing,
    "diagram": step,
    "close_up": step,
}
