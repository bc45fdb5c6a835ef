"""`python -m safelight.tests.upstream --port 9099`: the simulator in a process of its own, on loopback only."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from .config import Config
from .simulator import Simulator


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9099, help="0 picks a free one, and prints it")
    parser.add_argument("--config", type=Path, help="JSON; see config.py")
    arguments = parser.parse_args()
    config = Config.model_validate_json(arguments.config.read_bytes()) if arguments.config else Config()
    upstream = Simulator(config)
    async with await upstream.listen(arguments.port) as server:
        print(upstream.url, flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
