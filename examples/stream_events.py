"""Watch a run think: every event, as it happens."""

import asyncio

from safelight import Brief, Safelight
from safelight.events import ImageFinished, PlanMade, Refused, RunFinished, Thinking, VerdictGiven


async def main() -> None:
    async with Safelight() as safelight:
        async for event in safelight.stream(Brief(prompt="A two-part poster about saving water at home", n=2)):
            match event:
                case Thinking():
                    print("thinks  ", event.text)
                case PlanMade():
                    print("plans   ", [image["title"] for image in event.plan["images"]])
                case VerdictGiven():
                    print("verdict ", event.stage, event.decision, *event.policies)
                case ImageFinished():
                    print("image   ", event.image + 1, event.title, event.ref[:19])
                case Refused():
                    print("refused ", event.reason)
                case RunFinished():
                    print("ends    ", event.status)


asyncio.run(main())
