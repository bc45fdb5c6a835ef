"""An OpenAI-compatible service on loopback, with faults and latencies: what cannot be reached is simulated on the wire.

    with Simulator.serving() as upstream:            # in a thread of its own; tests get it as the fixture `upstream`
        upstream.fault("429", endpoint="responses", first=1, retry_after=0.05)
        upstream.answer({"json": {...}}, schema="Plan", contains="castle")
        … Settings(reasoner="openai:gpt-6-luna", reasoner_base_url=upstream.url, …)
        assert upstream.count("images.generations") == 0

`python -m safelight.tests.upstream --port 9099 --config stub.json` serves it from a process of its own, for tests that
kill the other side and for benchmarks; then `/__stub/stats`, `/__stub/requests` and `POST /__stub/config` steer it.

Everything is deterministic: identifiers count up, images follow from the prompt, latencies from the request's number.
A prompt can carry orders, so that a whole run can be steered from its brief: `[[stub:moderation_blocked]]`,
`[[stub:latency=250]]`, and `[[flag:violence]]`, which moderation sees in text and in the picture made from it.
"""

from .config import Config, Fault, Latency, Rule
from .simulator import Call, Simulator

__all__ = ["Call", "Config", "Fault", "Latency", "Rule", "Simulator"]
