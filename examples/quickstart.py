"""One prompt in, several moderated, stamped images out."""

import asyncio
from pathlib import Path

from safelight import Brief, Safelight
from safelight.export import export_run


async def main() -> None:
    async with Safelight() as safelight:
        result = await safelight.run(
            Brief(prompt="Three posters that explain how to wash hands, for a kindergarten", n=3)
        )
        print(result.status, result.run_id)
        if result.refusal:
            print(result.refusal.reason, "Instead:", *result.refusal.offer, sep="\n  ")
            return
        store = (await safelight.assembly()).store
        written = await export_run(result, store, Path("out/quickstart"))
        for image in written.images:
            print(image.path or f"gap: {image.gap.reason}")


asyncio.run(main())
