"""How long an exact search over fingerprints takes, and one over marks, for a picture whose own cannot be read.

python benchmarks/registry.py --images 1000000
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from safelight.provenance.registry import HammingIndex
from safelight.provenance.watermark.codebook import Codebook

TRACES = 15  # what a full search of a picture without a mark leaves


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    index = HammingIndex()
    started = time.process_time()
    block = rng.bytes(32 * options.images)
    for number in range(options.images):
        index.add(str(number), block[32 * number : 32 * number + 32])
    print(f"{options.images:,} fingerprints loaded in {time.process_time() - started:.1f} s of CPU")
    for forms in (1, 8):
        times = []
        for _ in range(9):
            queries = [rng.bytes(32) for _ in range(forms)]
            started = time.process_time()
            index.near(queries, 60)
            times.append(time.process_time() - started)
        print(f"a query in {forms} orientation(s): {np.median(times) * 1e3:.0f} ms of CPU")
    marks = Codebook()
    for number in range(options.images):
        marks.add(block[32 * number : 32 * number + 12])
    times = []
    for _ in range(9):
        traces = rng.standard_normal((TRACES, 384))
        started = time.process_time()
        marks.match(traces)
        times.append(time.process_time() - started)
    print(f"{TRACES} traces of a mark: {np.median(times) * 1e3:.0f} ms of CPU; {times[0] * 1e3:.0f} ms the first time")


if __name__ == "__main__":
    main()
