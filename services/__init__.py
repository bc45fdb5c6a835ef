"""What every paid or remote model is called through: one client, one classification of faults, retries, limits.

    service = Service(Endpoint("generator", api_key=key))
    answer = await service.ask(lambda client: client.moderations.with_streaming_response.create(model=…, input=…))

`openai` is imported with the first call, not with this package. Nothing here resends what may have been done already
unless the caller says that doing it twice is harmless.
"""

from .answer import MAX_ANSWER_BYTES, read_events, read_json
from .bill import Bill, billing, current_bill
from .breaker import Breaker
from .endpoint import OPENAI_URL, Endpoint, account_hash
from .faults import FaultKind, ServiceFault, fault_of
from .limits import Limits
from .pool import ServicePool
from .prices import Price, PriceTable
from .retry import Retry
from .service import Service, open_client

__all__ = [
    "MAX_ANSWER_BYTES",
    "OPENAI_URL",
    "Bill",
    "Breaker",
    "Endpoint",
    "FaultKind",
    "Limits",
    "Price",
    "PriceTable",
    "Retry",
    "Service",
    "ServiceFault",
    "ServicePool",
    "account_hash",
    "billing",
    "current_bill",
    "fault_of",
    "open_client",
    "read_events",
    "read_json",
]
