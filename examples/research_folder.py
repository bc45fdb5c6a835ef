"""Research in a folder of your own documents: what is set as text is cited."""

import asyncio
import tempfile
from pathlib import Path

from safelight import Brief, Safelight
from safelight.config import load_settings

NOTES = """# The town library

The library was founded in 1902. It holds 48,000 books and lends 210 of them on an average day.
In 2019 the reading room was rebuilt with 64 seats. Every Thursday at 16:00 a story is read to children.
"""


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "library.md").write_text(NOTES)
        async with Safelight(load_settings(search=(f"folder:{folder}",))) as safelight:
            result = await safelight.run(Brief(prompt="A two-part infographic about our town library in numbers", n=2))
            print(result.status, "researched:", result.researched)
            for source in result.sources:
                print(f"  {source['id']}  {source['title']}: “{source['quote']}”")


asyncio.run(main())
