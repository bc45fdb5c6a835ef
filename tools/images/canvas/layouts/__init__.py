"""How a page of each role is arranged."""

from collections.abc import Callable

from ...spec import Role
from .charts import chart
from .entries import listing, step
from .frame import Sheet, start
from .pictures import cover, quote, scene
from .relations import close_up, comparison, diagram, timeline

__all__ = ["LAYOUTS", "Sheet", "start"]

LAYOUTS: dict[Role, Callable[[Sheet], None]] = {
    "cover": cover,
    "scene": scene,
    "quote": quote,
    "step": step,
    "facts": listing,
    "list": listing,
    "summary": listing,
    "comparison": comparison,
    "timeline": timeline,
    "chart": chart,
    "diagram": diagram,
    "close_up": close_up,
}
