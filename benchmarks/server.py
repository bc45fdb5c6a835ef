"""What the server costs over the models behind it: runs of four images, streamed, many at once.

    python benchmarks/server.py [--runs 300] [--over 45] [--scale 1]
    python benchmarks/server.py --soak 5000

Four processes on this machine: a simulated model service with realistic latencies, a bare FastAPI application that
makes the same model calls and passes their outcome on (the reference: what no server can beat), `safelight serve` with
its reasoner, generator and moderator at that service, and this one, which is the clients. All figures are of one run:

    first event   ms from sending the request to the first event of its stream
    run           s from sending the request to the end of its stream, all images stored, judged and stamped
    CPU           seconds a run of each process and its children
    lag           ms that the server takes to say that it lives, asked ten times a second while under load
    events        server-sent events a second, to a hundred listeners at once who hear a thousand each

`models` are the model's and the generator's calls alone, `judged` those of moderation too, where a run waits for them;
`unmarked` is Safelight without the watermark, which is the product's work and not the server's.

Latencies are drawn anew for each, from the same distributions: a model thinks 9 s at the median (16 at the 99th
percentile) before it answers, an image takes 30 (55), a moderation 0.12 (0.4), as large models and image services do.
Pictures are small (256 px), so that what is measured is the server and not megapixels: those are
`benchmarks/watermark.py`. `--scale` shortens latencies, for trying things out.

The soak sends runs of one image whose models answer at once, twenty in flight, and prints the server's memory along
the way.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import json
import os
import re
import runpy
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import orjson
import uvloop

from safelight.assembly import open_store
from safelight.config import load_settings
from safelight.events import Thinking

HERE = Path(__file__).parent
SEASONS = [{"prompt": f"A lighthouse in {season}"} for season in ("spring", "summer", "autumn", "winter")]
SERVICE: dict[str, Any] = {
    "latency": {
        "responses": {"ms": 9000, "p99_ms": 16000, "ttfb_ms": 500},
        "images.generations": {"ms": 30000, "p99_ms": 55000},
        "moderations": {"ms": 120, "p99_ms": 400},
    },
    "image": {"mode": "sized"},
    "remember": 0,
}
PROMPT = "Four pictures of a lighthouse through the seasons, {number}"
TICK = os.sysconf("SC_CLK_TCK")


def answers(count: int) -> list[dict[str, Any]]:
    """What the simulated model says of a set of so many images."""
    title = "A lighthouse through the seasons"
    return [
        {"schema": "Understood", "respond": {"json": {"summary": title, "count": count}}},
        {"schema": "Planned", "respond": {"json": {"intent": title, "images": SEASONS[:count]}}},
        {"schema": "Judged", "respond": {"json": {"fits": True}}},
    ]


@dataclass(frozen=True)
class Trip:
    """One run as a client saw it, in seconds from its request."""

    first: float
    total: float
    status: str


@dataclass(frozen=True)
class Server:
    """A process that serves at `url`."""

    url: str
    running: subprocess.Popen[bytes]

    def cpu(self) -> float:
        """Seconds of processor time that it and its children have used."""
        return sum(_cpu(pid) for pid in _family(self.running.pid))

    def memory(self) -> tuple[float, float]:
        """MiB that it holds, and that its children do."""
        own, *others = [_resident(pid) for pid in _family(self.running.pid)]
        return own, sum(others)


@contextmanager
def process(command: list[str], env: dict[str, str], log: Path) -> Iterator[Server]:
    """A server in a process of its own, which prints its address."""
    with log.open("w") as out:
        running = subprocess.Popen(command, env=os.environ | env, stdout=out, stderr=out)
    try:
        yield Server(_address(running, log), running)
    finally:
        running.terminate()
        try:
            running.wait(60)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _address(running: subprocess.Popen[bytes], log: Path) -> str:
    for _ in range(1200):
        if found := re.search(r"http://[\w.]+:\d+", log.read_text()):
            return found[0]
        if running.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"{running.args!r} did not start:\n{log.read_text()}")


def _family(pid: int) -> list[int]:
    found = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += _family(int(child))
    return found


def _cpu(pid: int) -> float:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / TICK
    return 0.0


def _resident(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0.0


async def events(client: httpx2.AsyncClient, method: str, url: str, **how: Any) -> AsyncIterator[dict[str, Any]]:
    """The data of a stream of server-sent events."""
    async with client.stream(method, url, **how) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                yield orjson.loads(line[6:])


async def ours(client: httpx2.AsyncClient, url: str, number: int, images: int = 4) -> Trip:
    """A native run: booked, then listened to until it ends."""
    sent, first, status = time.perf_counter(), 0.0, "lost"
    brief = {"prompt": PROMPT.format(number=number), "n": images, "size": "256x256"}
    booked = await client.post(f"{url}/runs", json=brief)
    booked.raise_for_status()
    async for event in events(client, "GET", f"{url}/runs/{booked.json()['id']}/events"):
        first = first or time.perf_counter() - sent
        if event["type"] == "run.finished":
            status = str(event["status"])
    return Trip(first, time.perf_counter() - sent, status)


async def bare(client: httpx2.AsyncClient, url: str, number: int, judged: bool = False) -> Trip:
    """The same of the reference."""
    sent, first, status = time.perf_counter(), 0.0, "lost"
    prompt = {"prompt": PROMPT.format(number=number)}
    async for event in events(client, "POST", f"{url}/run", json=prompt, params={"judged": judged}):
        first = first or time.perf_counter() - sent
        if event["type"] == "done":
            status = "delivered"
    return Trip(first, time.perf_counter() - sent, status)


Run = Callable[[httpx2.AsyncClient, str, int], Awaitable[Trip]]


async def load(run: Run, url: str, runs: int, over: float, at_once: int | None = None) -> list[Trip]:
    """`runs` runs, begun evenly over so many seconds, at most `at_once` of them under way."""
    turns = asyncio.Semaphore(at_once or runs)
    limits = httpx2.Limits(max_connections=runs + 8, max_keepalive_connections=runs)
    async with httpx2.AsyncClient(timeout=900, limits=limits) as client:

        async def one(number: int) -> Trip:
            await asyncio.sleep(over * number / runs)
            async with turns:
                return await run(client, url, number)

        return list(await asyncio.gather(*(one(number) for number in range(runs))))


async def lags(url: str) -> list[float]:
    """Milliseconds that each answer of `/healthz` took, until cancelled."""
    taken: list[float] = []
    async with httpx2.AsyncClient(timeout=60) as client:
        with suppress(asyncio.CancelledError):
            while True:
                asked = time.perf_counter()
                await client.get(f"{url}/healthz")
                taken.append((time.perf_counter() - asked) * 1000)
                await asyncio.sleep(0.1)
    return taken


async def tell_long_runs(home: Path) -> list[str]:
    """Twenty runs of a thousand events, written into the server's own database; their ids."""
    settings = load_settings(home=home)
    async with open_store(settings) as (store, _):
        names = [f"run_told_{number}" for number in range(20)]
        for name in names:
            await store.runs.create(name, brief={}, status="delivered")
            thought = partial(Thinking, run_id=name, at=datetime.now(UTC), text="A lighthouse in winter, " * 8)
            await store.runs.add_events(name, [thought(seq=seq) for seq in range(1000)])
    return names


async def replay(url: str, run_ids: list[str]) -> float:
    """Events a second of these runs, each to a listener of its own, all at once."""
    async with httpx2.AsyncClient(timeout=300) as client:
        seen, begun = 0, time.perf_counter()

        async def listen(run_id: str) -> None:
            nonlocal seen
            async with client.stream("GET", f"{url}/runs/{run_id}/events") as answer:
                async for chunk in answer.aiter_bytes():
                    seen += chunk.count(b"data: ")

        await asyncio.gather(*(listen(each) for each in run_ids * 5))
        return seen / (time.perf_counter() - begun)


def report(name: str, trips: list[Trip]) -> float:
    """Prints how the runs went; returns the median run's seconds."""
    firsts = sorted(trip.first * 1000 for trip in trips)
    totals = sorted(trip.total for trip in trips)
    delivered = sum(trip.status == "delivered" for trip in trips)
    print(
        f"{name:<12} {delivered:>4} of {len(trips)} delivered   "
        f"first event p50 {_at(firsts, 0.5):5.0f} p95 {_at(firsts, 0.95):5.0f} max {firsts[-1]:5.0f} ms   "
        f"run p50 {_at(totals, 0.5):6.2f} p95 {_at(totals, 0.95):6.2f} s",
        flush=True,
    )
    return statistics.median(totals)


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Bench:
    """The simulated service, and what is measured against it."""

    def __init__(self, folder: Path, stack: ExitStack, service: dict[str, Any]) -> None:
        self._folder = folder
        self._stack = stack
        self._latency = service["latency"]
        (folder / "service.json").write_text(json.dumps(service))
        simulator = ["-m", "safelight.tests.upstream", "--port", "0", "--config", str(folder / "service.json")]
        self.service = self._start("service", simulator)
        self.base = f"{self.service.url}/v1"

    def reference(self) -> Server:
        """The bare application."""
        return self._start("reference", [str(HERE / "passthrough.py"), self.base])

    def safelight(self, name: str, *, marked: bool = True) -> Server:
        """`safelight serve`, in a home of its own."""
        serve = ["-m", "safelight.cli"] if marked else [str(Path(__file__)), "--unmarked"]
        env = {
            "SAFELIGHT_HOME": str(self._folder / name), "SAFELIGHT_SEARCH": "none", "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": self.base, "SAFELIGHT_REASONER": "openai:simulated",
            "SAFELIGHT_GENERATOR": "openai:simulated", "SAFELIGHT_MODERATOR": "openai:omni-moderation-latest",
            "SAFELIGHT_SERVICE_CONCURRENCY": "2000", "SAFELIGHT_RATE": "1000000/minute", "SAFELIGHT_MAX_RUNS": "2000",
        }  # fmt: skip
        return self._start(name, [*serve, "serve", "--port", "0"], env)

    def _start(self, name: str, command: list[str], env: dict[str, str] | None = None) -> Server:
        log = self._folder / f"{name}.log"
        return self._stack.enter_context(process([sys.executable, *command], env or {}, log))

    async def _wait_as(self, latency: dict[str, Any]) -> None:
        async with httpx2.AsyncClient(timeout=60) as client:
            told = await client.post(f"{self.service.url}/__stub/config", json={"latency": latency})
            told.raise_for_status()

    async def under_load(self, server: Server, runs: dict[str, Run], count: int, over: float) -> dict[str, float]:
        """Sends every kind of run at once, and tells what it took; the median run's seconds by kind."""
        await self._wait_as({})
        for run in runs.values():
            await load(run, server.url, 8, 0)  # warm
        await self._wait_as(self._latency)
        parts = {"server": server.cpu, "simulator": self.service.cpu, "clients": time.process_time}
        before = {name: cpu() for name, cpu in parts.items()}
        probe = asyncio.create_task(lags(server.url)) if "models" not in runs else None
        trips = await asyncio.gather(*(load(run, server.url, count, over) for run in runs.values()))
        used = {name: (cpu() - before[name]) / count / len(runs) for name, cpu in parts.items()}
        medians = {name: report(name, each) for name, each in zip(runs, trips, strict=True)}
        print("   CPU s a run: " + "  ".join(f"{name} {seconds:.3f}" for name, seconds in used.items()), flush=True)
        if probe is not None:
            probe.cancel()
            taken = sorted(await probe)
            print(f"   lag p50 {_at(taken, 0.5):.0f} p95 {_at(taken, 0.95):.0f} max {taken[-1]:.0f} ms", flush=True)
        return medians


async def measure(arguments: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
    service = copy.deepcopy(SERVICE) | {"rules": answers(4)}
    for latency in service["latency"].values():
        latency.update({name: value * arguments.scale for name, value in latency.items()})
    bench = Bench(folder, stack, service)
    count, over = arguments.runs, arguments.over * arguments.scale
    both: dict[str, Run] = {"models": bare, "judged": partial(bare, judged=True)}
    medians = await bench.under_load(bench.reference(), both, count, over)
    server = bench.safelight("safelight")
    medians |= await bench.under_load(server, {"safelight": ours}, count, over)
    own, children = server.memory()
    print(f"   memory {own:.0f} MiB, and {children:.0f} in the processes that stamp")
    told = await tell_long_runs(folder / "safelight")
    print(f"   events {await replay(server.url, told):,.0f} a second", flush=True)
    unmarked = bench.safelight("unmarked", marked=False)
    medians |= await bench.under_load(unmarked, {"unmarked": ours}, count, over)
    for name in ("safelight", "unmarked"):
        print(
            f"overhead of {name}: {medians[name] / medians['judged'] - 1:.1%} over the model path, "
            f"{medians[name] / medians['models'] - 1:.1%} over that without moderation"
        )


async def soak(runs: int, folder: Path, stack: ExitStack) -> None:
    bench = Bench(folder, stack, SERVICE | {"latency": {}, "rules": answers(1)})
    server = bench.safelight("safelight")
    small: Run = partial(ours, images=1)
    for done in range(0, runs, 500):
        begun, used, some = time.perf_counter(), server.cpu(), min(500, runs - done)
        trips = await load(small, server.url, some, 0, at_once=20)
        lost = sum(trip.status != "delivered" for trip in trips)
        own, children = server.memory()
        cost, rate = (server.cpu() - used) / some, some / (time.perf_counter() - begun)
        print(
            f"{done + some:>6} runs   {own:.0f} + {children:.0f} MiB   {cost:.3f} CPU s a run   {rate:.1f} runs/s   "
            f"{lost} not delivered",
            flush=True,
        )


def serve_unmarked() -> None:
    """`safelight serve` without a watermark engine: for measuring what the rest costs, and nothing else."""
    from safelight.provenance import stamper

    stamper.open_watermark = lambda *_: None  # type: ignore[assignment, attr-defined]
    sys.argv = ["safelight", *sys.argv[2:]]
    runpy.run_module("safelight.cli", run_name="__main__")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--over", type=float, default=45.0, help="seconds over which they begin")
    parser.add_argument("--scale", type=float, default=1.0, help="of latencies, and of the seconds above")
    parser.add_argument("--soak", type=int, default=0)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by the way out, which takes the servers along
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        uvloop.run(soak(arguments.soak, folder, stack) if arguments.soak else measure(arguments, folder, stack))


if __name__ == "__main__":
    serve_unmarked() if sys.argv[1:2] == ["--unmarked"] else main()
