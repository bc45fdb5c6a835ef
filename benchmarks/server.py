"""What the server costs over the models behind it: runs of four images, streamed, many at once.

    python benchmarks/server.py [--runs 300] [--over 30] [--events 20000] [--soak 0]

Three processes on this machine: a simulated model service with realistic latencies, a bare FastAPI application that
makes the same model calls and passes their outcome on (the reference: what no server can beat), and `safelight serve`
with its reasoner, generator and moderator at that service. All figures are from one run:

    first event   ms from sending the request to the first event of its stream
    run           s from sending the request to the end of its stream, all images stored, judged and stamped
    overhead      median run over the reference's, under the same load, less one
    events        server-sent events a second, replayed to twenty listeners at once

`--soak N` then sends N runs, two a second, and prints the server's memory along the way. The pictures are small
(256 px), so that what is measured is the server and not the time that hashing and stamping megapixels takes: that is
`benchmarks/watermark.py`. Latencies are drawn by request number, hence the same for both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

HERE = Path(__file__).parent
SEASONS = [{"prompt": f"A lighthouse in {season}"} for season in ("spring", "summer", "autumn", "winter")]
SERVICE = {
    "latency": {
        "responses": {"ms": 9000, "p99_ms": 16000, "ttfb_ms": 500},
        "images.generations": {"ms": 30000, "p99_ms": 55000},
        "moderations": {"ms": 120, "p99_ms": 400},
    },
    "image": {"mode": "sized"},
    "rules": [
        {"schema": "Understood", "respond": {"json": {"summary": "A lighthouse through the seasons", "count": 4}}},
        {"schema": "Planned", "respond": {"json": {"intent": "A lighthouse through the seasons", "images": SEASONS}}},
    ],
}
PROMPT = "Four pictures of a lighthouse through the seasons, {number}"


@dataclass(frozen=True)
class Trip:
    """One run as a client saw it, in seconds from its request."""

    first: float
    total: float
    status: str


@contextmanager
def process(command: list[str], env: dict[str, str], log: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server in a process of its own: its address, which it prints, and the process."""
    with log.open("w") as out:
        running = subprocess.Popen(command, env=os.environ | env, stdout=out, stderr=out)
    try:
        yield _address(running, log), running
    finally:
        running.terminate()
        running.wait(60)


def _address(running: subprocess.Popen[bytes], log: Path) -> str:
    for _ in range(1200):
        if found := re.search(r"http://[\w.]+:\d+", log.read_text()):
            return found[0]
        if running.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"{running.args} did not start:\n{log.read_text()}")


async def events(client: httpx2.AsyncClient, method: str, url: str, **how: object) -> AsyncIterator[dict[str, object]]:
    """The data of a stream of server-sent events."""
    async with client.stream(method, url, **how) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                yield json.loads(line[6:])


async def ours(client: httpx2.AsyncClient, url: str, number: int) -> Trip:
    """A native run: booked, then listened to until it ends."""
    sent, first, status = time.perf_counter(), 0.0, "lost"
    brief = {"prompt": PROMPT.format(number=number), "n": 4, "size": "256x256"}
    booked = await client.post(f"{url}/runs", json=brief)
    booked.raise_for_status()
    async for event in events(client, "GET", f"{url}/runs/{booked.json()['id']}/events"):
        first = first or time.perf_counter() - sent
        if event["type"] == "run.finished":
            status = str(event["status"])
    return Trip(first, time.perf_counter() - sent, status)


async def bare(client: httpx2.AsyncClient, url: str, number: int) -> Trip:
    """The same of the reference."""
    sent, first, status = time.perf_counter(), 0.0, "lost"
    async for event in events(client, "POST", f"{url}/run", json={"prompt": PROMPT.format(number=number)}):
        first = first or time.perf_counter() - sent
        if event["type"] == "done":
            status = "delivered"
    return Trip(first, time.perf_counter() - sent, status)


Run = Callable[[httpx2.AsyncClient, str, int], Awaitable[Trip]]


async def load(run: Run, url: str, runs: int, over: float) -> list[Trip]:
    """`runs` runs, begun evenly over so many seconds: all are under way at once where that is less than a run takes."""
    limits = httpx2.Limits(max_connections=runs + 8, max_keepalive_connections=runs)
    async with httpx2.AsyncClient(timeout=900, limits=limits) as client:

        async def one(number: int) -> Trip:
            await asyncio.sleep(over * number / runs)
            return await run(client, url, number)

        return list(await asyncio.gather(*(one(number) for number in range(runs))))


async def replay(url: str, wanted: int) -> float:
    """Events a second, of finished runs, to twenty listeners at once."""
    async with httpx2.AsyncClient(timeout=300) as client:
        known = (await client.get(f"{url}/runs", params={"limit": 20, "status": "delivered"})).json()["runs"]
        begun, seen = time.perf_counter(), 0

        async def listen(run_id: str) -> None:
            nonlocal seen
            while seen < wanted:
                async with client.stream("GET", f"{url}/runs/{run_id}/events") as answer:
                    async for chunk in answer.aiter_bytes():
                        seen += chunk.count(b"data: ")

        await asyncio.gather(*(listen(each["id"]) for each in known))
        return seen / (time.perf_counter() - begun)


def report(name: str, trips: list[Trip], took: float) -> None:
    firsts = sorted(trip.first * 1000 for trip in trips)
    totals = sorted(trip.total for trip in trips)
    delivered = sum(trip.status == "delivered" for trip in trips)
    print(
        f"{name:<12} {delivered:>4} of {len(trips)} delivered in {took:6.1f} s   "
        f"first event p50 {_at(firsts, 0.5):6.0f} p95 {_at(firsts, 0.95):6.0f} ms   "
        f"run p50 {_at(totals, 0.5):6.2f} p95 {_at(totals, 0.95):6.2f} s",
        flush=True,
    )


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def memory(running: subprocess.Popen[bytes]) -> float:
    """MiB that the process holds."""
    for line in Path(f"/proc/{running.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


async def measure(arguments: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
    (folder / "service.json").write_text(json.dumps(SERVICE))
    python = sys.executable
    simulator = [python, "-m", "safelight.tests.upstream", "--port", "0", "--config", str(folder / "service.json")]
    service, _ = stack.enter_context(process(simulator, {}, folder / "service.log"))
    base = f"{service}/v1"
    reference = [python, str(HERE / "passthrough.py"), base]
    plain, _ = stack.enter_context(process(reference, {}, folder / "reference.log"))
    env = {
        "SAFELIGHT_HOME": str(folder / "home"), "SAFELIGHT_SEARCH": "none", "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": base, "SAFELIGHT_REASONER": "openai:simulated", "SAFELIGHT_GENERATOR": "openai:simulated",
        "SAFELIGHT_MODERATOR": "openai:omni-moderation-latest", "SAFELIGHT_CONCURRENCY": "64",
        "SAFELIGHT_SERVICE_CONCURRENCY": "256", "SAFELIGHT_RATE": "1000000/minute", "SAFELIGHT_MAX_RUNS": "2000",
    }  # fmt: skip
    command = [python, "-m", "safelight.cli", "serve", "--port", "0"]
    guarded, running = stack.enter_context(process(command, env, folder / "server.log"))
    medians = {}
    for name, run, url in (("pass-through", bare, plain), ("safelight", ours, guarded)):
        await load(run, url, 2, 0)  # warm
        begun = time.perf_counter()
        trips = await load(run, url, arguments.runs, arguments.over)
        report(name, trips, time.perf_counter() - begun)
        medians[name] = statistics.median(trip.total for trip in trips)
    print(f"overhead     {medians['safelight'] / medians['pass-through'] - 1:.1%} of the reference's median run")
    print(f"events       {await replay(guarded, arguments.events):,.0f} a second")
    print(f"memory       {memory(running):.0f} MiB after {arguments.runs} runs")
    for done in range(0, arguments.soak, 500):
        await load(ours, guarded, min(500, arguments.soak - done), 250)
        print(f"             {memory(running):.0f} MiB after {arguments.runs + done + 500} runs", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--over", type=float, default=30.0, help="seconds over which they begin")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--soak", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        asyncio.run(measure(arguments, Path(folder), stack))


if __name__ == "__main__":
    main()
