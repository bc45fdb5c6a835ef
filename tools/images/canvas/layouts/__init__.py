"""How a page of each role is arranged."""

from collections.abc import Callable

from ...spec import Role
from .callouts import close_up, diagram
from .charts import chart
from .comparison import comparison
from .cycle import cycle
from .entries import listing, step
from .frame import Sheet, start
from .panels import panels
from .pictures import cover, quote, scene
from .plan import plan
from .timeline import timeline

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
    "cycle": cycle,
    "map": plan,
    "panels": panels,
}
