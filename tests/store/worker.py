"""A process that writes to a store until it is killed, and says what it was told is kept. One JSON line each.

    python worker.py DATABASE BLOBS SEED [COUNT]

A line is printed only after the store acknowledged what it tells of.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import sys

from safelight.store import Finished, Started, Store, Unknown, ref_of

KEY = b"a ledger key of thirty-two bytes"
RUN = "run"


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


async def call(store: Store, rng: random.Random, number: int) -> None:
    """One paid call, as a run makes it: begin, call, keep, finish."""
    key = hashlib.sha256(f"{number}".encode()).hexdigest()
    match await store.effects.begin(RUN, "generate", key):
        case Started(attempt):
            say(began=key, attempt=attempt)
            data = rng.randbytes(rng.randrange(1, 60_000))
            say(called=key)
            ref = await store.keep(RUN, data)
            say(kept=ref)
            await store.effects.finish(RUN, "generate", key, {"ref": ref})
            say(finished=key, ref=ref)
        case Finished(result):
            say(found=key, ref=result["ref"])
        case Unknown():
            say(unknown=key)
    entry = await store.ledger.append("effect", run_id=RUN, payload={"key": key, "ref": ref_of(key.encode())})
    say(entered=entry.seq, hash=entry.hash.hex())


async def main(database: str, blobs: str, seed: int, count: int) -> None:
    rng = random.Random(seed)
    async with Store.open(database, blobs, KEY) as store:
        say(open=True)
        for first in range(0, count, 4):
            await asyncio.gather(*(call(store, rng, number) for number in range(first, min(first + 4, count))))
    say(done=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 10_000))
