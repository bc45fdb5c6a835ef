"""The main job as a user meets it: one command, four images, everything installed; wall and CPU, phase by phase.

    python benchmarks/main_job.py [--repeats 3] [--cores 2]

Each run is a process of its own on embedded parts, searches off, files in the cache. Beside it, in the same minute, the
reference: a bare process that plans and draws the same four images and writes them, with no guard, no record and no
stamp. What lies between the two is what thinking safely costs.

Reach: under 10 s of wall on two cores. CPU time is the figure to compare on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

PROMPT = "A four-part visual guide to how vaccines are made, for a school hallway"
COMMAND = ("-m", "safelight.cli", "generate", PROMPT, "-n", "4", "--stream", "--out")
BARE = """
import asyncio, sys
from pathlib import Path
from safelight.agent.brief import Brief
from safelight.agent.embedded import EmbeddedReasoner
from safelight.agent.reasoner import Research
from safelight.tools.images.canvas import Canvas
from safelight.tools.images.generator import ImageRequest

async def main(prompt, folder):
    async def think(text): pass
    reasoner, canvas, brief = EmbeddedReasoner(), Canvas(), Brief(prompt=prompt, n=4)
    plan = await reasoner.plan(brief, await reasoner.understand(brief, think), Research(), think)
    images = await asyncio.gather(*(canvas.generate(ImageRequest(spec, plan.style)) for spec in plan.images))
    Path(folder).mkdir()
    for number, image in enumerate(images, 1):
        Path(folder, f"image-{number}.png").write_bytes(image.data)

asyncio.run(main(*sys.argv[1:]))
"""
# A phase ends with the last event of its kind (`verdict:STAGE` for the verdict on a stage).
PHASES = {
    "started, models loading": "run.started",
    "read, prompt judged": "verdict:prompt",
    "thought, plan judged": "verdict:plan",
    "four images judged, drawn, judged, stamped": "image.finished",
    "set judged, delivered": "run.finished",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cores", type=int, default=2, help="Cores to run on (Linux).")
    asked = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: asked.cores])
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        os.environ |= {"SAFELIGHT_HOME": str(place / "home"), "SAFELIGHT_SEARCH": "none"}
        measured(place / "first", *COMMAND)  # makes the home and its keys, and fills the file cache
        runs, bare = [], []
        for number in range(asked.repeats):
            runs.append(measured(place / f"run-{number}", *COMMAND))
            bare.append(measured(place / f"bare-{number}", "-c", BARE, PROMPT))
    report(runs, bare)


class Measured:
    """One process: wall and CPU seconds, and when each phase of a run ended, in seconds from its start."""

    def __init__(self, wall: float, cpu: float, ends: dict[str, float]) -> None:
        self.wall, self.cpu, self.ends = wall, cpu, ends


def measured(out: Path, *arguments: str) -> Measured:
    """Run Python with these arguments and the folder to write to. Exits where it fails."""
    before, begun, at = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), time.time()
    done = subprocess.run([sys.executable, *arguments, str(out)], capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0 or len(list(out.glob("image-*.png"))) != 4:
        sys.exit(f"the run failed ({done.returncode}): {done.stderr[-2000:]}")
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Measured(wall, cpu, phase_ends(done.stdout, at))


def phase_ends(said: str, begun: float) -> dict[str, float]:
    """When each phase ended, by the events that a run printed."""
    times: dict[str, float] = {}
    for line in said.splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if "type" in event and "at" in event:
            seconds = datetime.fromisoformat(event["at"]).timestamp() - begun
            times[event["type"]] = seconds
            times[f"{event['type']}:{event.get('stage')}"] = seconds
    return {phase: times[last] for phase, last in PHASES.items() if last in times}


def report(runs: list[Measured], bare: list[Measured]) -> None:
    def middle(values: list[float]) -> float:
        return statistics.median(values)

    wall, cpu = middle([run.wall for run in runs]), middle([run.cpu for run in runs])
    bare_wall, bare_cpu = middle([run.wall for run in bare]), middle([run.cpu for run in bare])
    begun = 0.0
    print(f"{'':44}{'wall s':>8}")
    for phase in PHASES:
        end = middle([run.ends[phase] for run in runs])
        print(f"{phase:44}{end - begun:8.2f}")
        begun = end
    print(f"{'written, ended':44}{wall - begun:8.2f}\n")
    print(f"{'':44}{'wall s':>8}{'CPU s':>8}{'busy':>8}")
    print(f"{'the main job':44}{wall:8.2f}{cpu:8.2f}{cpu / wall:8.2f}")
    print(f"{'planned and drawn only, unguarded':44}{bare_wall:8.2f}{bare_cpu:8.2f}{bare_cpu / bare_wall:8.2f}")
    print(f"{'ratio':44}{wall / bare_wall:8.2f}{cpu / bare_cpu:8.2f}")
    print(f"\nMedians of {len(runs)}; wall of the main job from {min(run.wall for run in runs):.2f} to ", end="")
    print(f"{max(run.wall for run in runs):.2f} s. Load average: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
